package files

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func claimedFile(t *testing.T, dest string) *Claim {
	t.Helper()
	c, err := ClaimFile(t.Context(), dest, nil)
	must(t, err)
	return c
}

func claimedFolder(t *testing.T, dest string) *Claim {
	t.Helper()
	c, err := ClaimFolder(t.Context(), dest, nil)
	must(t, err)
	return c
}

// in lists what a folder holds, hidden names too.
func in(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// dies ends a claim as the death of its process does: the locks are free, all
// that was written stays.
func dies(c *Claim) {
	for _, f := range c.locks {
		_ = f.Close()
	}
}

// What a dead process left is removed by the next claim of the place, and what
// others have there is not.
func TestClaimRemovesLeftovers(t *testing.T) {
	t.Parallel()
	for name, claim := range map[string]func(*testing.T, string) *Claim{"file": claimedFile, "folder": claimedFolder} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			dest := filepath.Join(dir, "out")
			other := claim(t, filepath.Join(dir, "other"))
			own := filepath.Join(dir, ".out.medbuild-mine")
			must(t, os.WriteFile(own, nil, 0o644))
			dies(claim(t, dest))
			c := claim(t, dest)
			if got := strings.Count(in(t, dir), ".out.medbuild-"); got != 2 { // the user's and this claim's
				t.Errorf("%d names: %s", got, in(t, dir))
			}
			must(t, c.Commit())
			must(t, errors.Join(c.Release(), other.Commit(), other.Release()))
			if got := in(t, dir); got != ".out.medbuild-mine other out" {
				t.Errorf("the folder holds %s", got)
			}
		})
	}
}

// A leftover whose folders cannot be written is removed too, and one inside a
// folder that was there.
func TestClaimRemovesLeftoversInside(t *testing.T) {
	t.Parallel()
	dest := filepath.Join(t.TempDir(), "out")
	must(t, os.MkdirAll(dest, 0o755))
	dead := claimedFolder(t, dest)
	must(t, os.MkdirAll(filepath.Join(dead.Path(), "a/b"), 0o755))
	must(t, os.Chmod(filepath.Join(dead.Path(), "a"), 0o555))
	dies(dead)
	c := claimedFolder(t, dest)
	if exists(dead.Path()) {
		t.Error("it is left")
	}
	must(t, errors.Join(c.Commit(), c.Release()))
	if got := in(t, dest); got != "" {
		t.Errorf("the folder holds %s", got)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// One claim at a time: the second waits until the first is released, also after
// the first has given the place its file.
func TestClaimWaits(t *testing.T) {
	t.Parallel()
	for name, claim := range map[string]func(context.Context, string, func()) (*Claim, error){"file": ClaimFile, "folder": ClaimFolder} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dest := filepath.Join(t.TempDir(), "out")
			first, err := claim(t.Context(), dest, nil)
			must(t, err)
			for _, step := range []func() error{func() error { return nil }, first.Commit} {
				must(t, step())
				ctx, end := context.WithTimeout(t.Context(), 4*pause)
				said := 0
				if _, err := claim(ctx, dest, func() { said++ }); !errors.Is(err, context.DeadlineExceeded) || said != 1 {
					t.Errorf("a second has it: %v; said %d times", err, said)
				}
				end()
			}
			must(t, first.Release())
			second, err := claim(t.Context(), dest, nil)
			must(t, err)
			must(t, second.Abandon())
			if !exists(dest) {
				t.Error("what the first wrote is gone")
			}
		})
	}
}

// Of many at once one has the place at a time.
func TestClaimsAtOnce(t *testing.T) {
	t.Parallel()
	dest := filepath.Join(t.TempDir(), "deep", "out")
	have, done := make(chan struct{}, 1), make(chan error, 8)
	for range cap(done) {
		go func() {
			c, err := ClaimFile(context.WithoutCancel(t.Context()), dest, nil)
			if err != nil {
				done <- err
				return
			}
			select {
			case have <- struct{}{}:
				time.Sleep(time.Millisecond)
				<-have
			default:
				err = errors.New("two have it")
			}
			done <- errors.Join(err, c.Commit(), c.Release())
		}()
	}
	for range cap(done) {
		must(t, <-done)
	}
	if got := in(t, filepath.Dir(dest)); got != "out" {
		t.Errorf("the folder holds %s", got)
	}
}

// No link at the place, nor at a name that could be guessed, is written through.
func TestClaimFollowsNoLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	must(t, os.WriteFile(victim, []byte("dear"), 0o644))
	for _, link := range []string{"out", "out.partial", ".out.medbuild-AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		must(t, os.Symlink(victim, filepath.Join(dir, link)))
	}
	must(t, Write(filepath.Join(dir, "out"), []byte("image")))
	if data, err := os.ReadFile(victim); err != nil || string(data) != "dear" {
		t.Errorf("%q, %v", data, err)
	}
	folder := filepath.Join(dir, "folder")
	must(t, os.Symlink(t.TempDir(), folder))
	if _, err := ClaimFolder(t.Context(), folder, nil); err == nil {
		t.Error("a link to a folder was taken")
	}
}

// What was given up leaves nothing, not even the folders above.
func TestAbandonLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, claimedFile(t, filepath.Join(dir, "a/b/file")).Abandon())
	must(t, claimedFolder(t, filepath.Join(dir, "a/b/folder")).Abandon())
	if got := in(t, dir); got != "" {
		t.Errorf("the folder holds %s", got)
	}
	if _, err := ClaimFile(t.Context(), filepath.Join(dir, strings.Repeat("a", 250)), nil); err != nil {
		t.Errorf("a long name: %v", err)
	}
}

// Files are added to a folder; what is in the way gives way, and a link that
// leads out is not followed.
func TestMerge(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dest := filepath.Join(t.TempDir(), "out")
	must(t, os.MkdirAll(filepath.Join(dest, "keep"), 0o755))
	must(t, os.Symlink(outside, filepath.Join(dest, "etc")))
	must(t, os.WriteFile(filepath.Join(dest, "dir"), nil, 0o644))
	c := claimedFolder(t, dest)
	for _, d := range []string{"etc", "dir/deep"} {
		must(t, os.MkdirAll(filepath.Join(c.Path(), d), 0o755))
		must(t, os.WriteFile(filepath.Join(c.Path(), d, "file"), []byte(d), 0o644))
	}
	must(t, os.Chtimes(filepath.Join(c.Path(), "dir"), time.Unix(5, 0), time.Unix(5, 0)))
	must(t, os.Chmod(filepath.Join(c.Path(), "dir"), 0o555))
	must(t, Merge(c.Inside(), filepath.Base(c.Path())))
	must(t, errors.Join(c.Commit(), c.Release()))
	if got := in(t, dest) + "|" + in(t, filepath.Join(dest, "dir/deep")) + "|" + in(t, outside); got != "dir etc keep|file|" {
		t.Errorf("got %s", got)
	}
	if info, err := os.Stat(filepath.Join(dest, "dir")); err != nil || info.Mode().Perm() != 0o555 || info.ModTime().Unix() != 5 {
		t.Errorf("%v, %v", info, err)
	}
}
