package output

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

// layoutWithOrphans has an image, an index with another image, and two files
// that nothing names, written some time ago.
func layoutWithOrphans(t *testing.T) (dir string, orphans []string) {
	t.Helper()
	dir = t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	check(t, err)
	one, err := random.Image(100, 2)
	check(t, err)
	two, err := random.Image(100, 1)
	check(t, err)
	check(t, path.AppendImage(one))
	check(t, path.AppendIndex(mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: two})))
	orphans = []string{filepath.Join(dir, "blobs/sha256", sum('a')), filepath.Join(dir, "ingest", "half")}
	for _, o := range orphans {
		check(t, os.MkdirAll(filepath.Dir(o), 0o755))
		check(t, os.WriteFile(o, []byte("old"), 0o644))
		check(t, os.Chtimes(o, time.Unix(1, 0), time.Unix(1, 0)))
	}
	return dir, orphans
}

func sum(digit byte) string {
	out := make([]byte, 64)
	for i := range out {
		out[i] = digit
	}
	return string(out)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func collected(t *testing.T, dir string) error {
	t.Helper()
	root, err := os.OpenRoot(dir)
	check(t, err)
	defer root.Close()
	return collect(root, time.Now())
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestCollectRemovesOrphans(t *testing.T) {
	t.Parallel()
	dir, orphans := layoutWithOrphans(t)
	check(t, collected(t, dir))
	for _, o := range orphans {
		if exists(o) {
			t.Errorf("%s is left", o)
		}
	}
	// Two images of one and two layers, an index of its own for one of them.
	if blobs, _ := filepath.Glob(filepath.Join(dir, "blobs/sha256/*")); len(blobs) != 2+2+3+1 {
		t.Errorf("%d blobs are left, want 8: %q", len(blobs), blobs)
	}
}

// What another exporter writes at the same time has no name yet.
func TestCollectLeavesWhatIsNew(t *testing.T) {
	t.Parallel()
	dir, _ := layoutWithOrphans(t)
	young := filepath.Join(dir, "blobs/sha256", sum('b'))
	check(t, os.WriteFile(young, []byte("new"), 0o644))
	check(t, os.Chtimes(young, time.Now().Add(time.Second), time.Now().Add(time.Second)))
	check(t, collected(t, dir))
	if !exists(young) {
		t.Error("a blob of another export was removed")
	}
}

// An index that cannot be read may name anything.
func TestCollectLeavesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir, orphans := layoutWithOrphans(t)
	check(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte("{"), 0o644))
	err := collected(t, dir)
	if syntax := (*json.SyntaxError)(nil); !errors.As(err, &syntax) {
		t.Errorf("no error for a broken index: %v", err)
	}
	if !exists(orphans[0]) {
		t.Error("a blob was removed without knowing who names it")
	}
}

// A link in a layout leads the collector nowhere.
func TestCollectFollowsNoLink(t *testing.T) {
	t.Parallel()
	dir, _ := layoutWithOrphans(t)
	outside, orphans := layoutWithOrphans(t)
	check(t, os.RemoveAll(filepath.Join(dir, "blobs")))
	check(t, os.Symlink(filepath.Join(outside, "blobs"), filepath.Join(dir, "blobs")))
	_ = collected(t, dir) // it may be refused, or find nothing
	if !exists(orphans[0]) {
		t.Error("a blob outside the layout was removed")
	}
}
