package base

import (
	"bytes"
	"io"
	gofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/stages/stage"
	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
)

// folderOf is what is served of a tar.
func folderOf(t *testing.T, path, cache string) fsutil.FS {
	t.Helper()
	b := New(filepath.Dir(path), cache)
	if _, _, err := b.Known(stage.BaseSettings{Name: "b", Tar: filepath.Base(path)}); err != nil {
		t.Fatal(err)
	}
	return b.Files.Dirs["base-b"]
}

// stated is what an engine compares of a served file to know whether it has it.
func stated(t *testing.T, folder fsutil.FS, name string) (size int64, mode gofs.FileMode, when time.Time) {
	t.Helper()
	err := folder.Walk(t.Context(), "", func(path string, e gofs.DirEntry, err error) error {
		if info, ierr := e.Info(); err == nil && ierr == nil && path == name {
			size, mode, when = info.Size(), info.Mode(), info.ModTime()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size, mode, when
}

// A tar of the same bytes looks the same to an engine, wherever and whenever it was
// written, whoever may read it.
func TestServedTarIsTheSame(t *testing.T) {
	t.Parallel()
	for _, nodes := range []bool{false, true} {
		one, two := filepath.Join(t.TempDir(), "root.tar"), filepath.Join(t.TempDir(), "root.tar")
		for _, path := range []string{one, two} {
			write(t, path, string(rootTar(t, nodes)))
		}
		if err := os.Chmod(two, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(two, time.Time{}, time.Unix(7, 7)); err != nil {
			t.Fatal(err)
		}
		size, mode, when := stated(t, folderOf(t, one, t.TempDir()), "root.tar")
		if s, m, w := stated(t, folderOf(t, two, t.TempDir()), "root.tar"); s != size || m != mode || !w.Equal(when) || size == 0 {
			t.Errorf("nodes %t: served as %d %s %s, want %d %s %s", nodes, s, m, w, size, mode, when)
		}
	}
}

// A tar that is written over after its digest was taken is not sent to its end: an
// engine would keep it by that digest.
func TestChangedTarIsNotServed(t *testing.T) {
	t.Parallel()
	for _, nodes := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "root.tar")
		data := rootTar(t, nodes)
		write(t, path, string(data))
		folder := folderOf(t, path, "")
		write(t, path, string(bytes.Replace(data, []byte("pingping"), []byte("pingpong"), 1)))
		f, err := folder.Open("root.tar")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := io.ReadAll(f); err == nil || !strings.Contains(err.Error(), path+" was changed while it was sent") {
			t.Errorf("nodes %t: %v", nodes, err)
		}
	}
}

// What an earlier version kept of a tar lacks a digest, and is read again.
func TestKeptContentWithoutDigest(t *testing.T) {
	t.Parallel()
	cache, path := t.TempDir(), filepath.Join(t.TempDir(), "root.tar")
	write(t, path, string(rootTar(t, true)))
	want, err := contentOf(path, cache)
	if err != nil || want.Served.Validate() != nil {
		t.Fatalf("%+v, %v", want, err)
	}
	kept := filepath.Join(cache, "tars", digest.FromString(path).Encoded()+".json")
	old := strings.Replace(string(readFile(t, kept)), want.Served.String(), "", 1)
	if err := files.Write(kept, []byte(old)); err != nil {
		t.Fatal(err)
	}
	if got, err := contentOf(path, cache); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
