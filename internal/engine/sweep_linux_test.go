package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

// leave writes files below the root, as a daemon that was killed leaves them.
func (s *site) leave(files ...string) {
	s.Helper()
	for _, name := range files {
		path := filepath.Join(s.root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			s.Fatal(err)
		}
	}
}

// What a killed daemon leaves goes before the next one starts: its containers
// end, and what it fetched by half is fetched anew.
func TestLeftovers(t *testing.T) {
	s := newStandIn(t)
	log := filepath.Join(t.TempDir(), "log")
	fakeRunc(t, `echo "$@" >>`+log)
	s.leave("state/runc-overlayfs/executor/abc/config.json", "state/runc-overlayfs/content/ingest/x/data", "tmp/folder/y")
	s.close(s.find(s.options()))
	for _, name := range []string{"state/runc-overlayfs/executor/abc", "state/runc-overlayfs/content/ingest/x", "tmp/folder"} {
		if _, err := os.Stat(filepath.Join(s.root, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := os.ReadFile(log); err != nil || string(got) != "delete --force abc\n" {
		t.Errorf("runc was asked %q (%v)", got, err)
	}
}

// A container that cannot be ended keeps the engine from starting over it.
func TestContainerThatStays(t *testing.T) {
	s := newStandIn(t)
	fakeRunc(t, "echo it is stuck; exit 1")
	s.leave("state/runc-overlayfs/executor/abc/config.json")
	_, err := Find(t.Context(), s.options())
	if err == nil || !strings.Contains(err.Error(), "ending a leftover container: exit status 1: it is stuck") {
		t.Errorf("error is %v", err)
	}
}

// Another daemon that holds the state is not swept away.
func TestStateInUse(t *testing.T) {
	s := newStandIn(t)
	s.leave("state/buildkitd.lock", "tmp/y")
	held, err := lockShared(filepath.Join(s.root, "state/buildkitd.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if _, err := Find(t.Context(), s.options()); err == nil || !strings.Contains(err.Error(), "another buildkitd uses "+s.root+"/state") {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.root, "tmp/y")); err != nil {
		t.Error(err)
	}
}

func TestPrivateFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct {
		mode os.FileMode
		ok   bool
	}{{0o700, true}, {0o755, false}, {0o770, false}} {
		if err := os.Chmod(dir, tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := checkPrivate(dir); (err == nil) != tt.ok {
			t.Errorf("mode %o: %v", tt.mode, err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Chmod(dir, 0o700), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, filepath.Join(dir, "missing")} {
		if err := checkPrivate(path); err == nil {
			t.Errorf("%s is taken for a private folder", path)
		}
	}
}

func TestNoRoot(t *testing.T) {
	t.Parallel()
	_, err := makeRoot("")
	if want := "there is no folder for its state: neither MEDBUILD_ROOT nor HOME is set\nhint: set MEDBUILD_ROOT to a folder on a local disk"; err == nil || problem.Text(err) != want {
		t.Errorf("error is %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := makeRoot(filepath.Join(file, "root")); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("error is %v", err)
	}
}
