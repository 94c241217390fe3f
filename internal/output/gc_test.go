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
	"github.com/moby/buildkit/client"
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

func exportTo(dir string) *Layouts {
	return HoldLayouts([]client.ExportEntry{{Type: client.ExporterOCI, OutputDir: dir}})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestCollectRemovesOrphans(t *testing.T) {
	t.Parallel()
	dir, orphans := layoutWithOrphans(t)
	check(t, exportTo(dir).Leave(true))
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
	l := exportTo(dir)
	young := filepath.Join(dir, "blobs/sha256", sum('b'))
	check(t, os.WriteFile(young, []byte("new"), 0o644))
	check(t, os.Chtimes(young, time.Now().Add(time.Second), time.Now().Add(time.Second)))
	check(t, l.Leave(true))
	if !exists(young) {
		t.Error("a blob of another export was removed")
	}
}

// Of exports at the same time the last one removes the orphans.
func TestCollectWaitsForTheLastExport(t *testing.T) {
	t.Parallel()
	dir, orphans := layoutWithOrphans(t)
	first, last := exportTo(dir), exportTo(dir)
	check(t, first.Leave(true))
	if !exists(orphans[0]) {
		t.Error("removed while another export was in the folder")
	}
	check(t, last.Leave(true))
	if exists(orphans[0]) {
		t.Error("the last export removed nothing")
	}
}

// An index that cannot be read may name anything.
func TestCollectLeavesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir, orphans := layoutWithOrphans(t)
	check(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte("{"), 0o644))
	err := exportTo(dir).Leave(true)
	if syntax := (*json.SyntaxError)(nil); !errors.As(err, &syntax) {
		t.Errorf("no error for a broken index: %v", err)
	}
	if !exists(orphans[0]) {
		t.Error("a blob was removed without knowing who names it")
	}
}

// A failed export into a new folder leaves nothing of it.
func TestFailedExportLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	check(t, os.MkdirAll(filepath.Join(dir, "blobs/sha256"), 0o755))
	l := exportTo(dir)
	check(t, os.WriteFile(filepath.Join(dir, "blobs/sha256", sum('c')), []byte("half"), 0o644))
	check(t, l.Leave(false))
	if exists(dir) {
		t.Error("the folder is left")
	}
}
