package files

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tonistiigi/fsutil"
)

// packed is an archive with the entries; those of files hold their own name.
func packed(t *testing.T, entries ...tar.Header) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		h.Format, h.Uid, h.Gid = tar.FormatPAX, os.Getuid(), os.Getgid()
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, h.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func reg(name string, mode int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, ModTime: time.Unix(1000, 5)}
}

func folder(name string, mode int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode, ModTime: time.Unix(2000, 0)}
}

func link(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to, Mode: 0o777}
}

// sent is a folder and what was in it when it was sent.
type sent struct {
	path string
	was  Listing
}

func listed(t *testing.T, dir string) Listing {
	t.Helper()
	root, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	was, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	return was
}

// sentFolder is a folder with a file, a folder and a symlink, as it was sent.
func sentFolder(t *testing.T) sent {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	for _, name := range []string{"a", "sub/b", "sub/deep/c"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	return sent{dir, listed(t, dir)}
}

func held(t *testing.T, v sent, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(v.path, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestUnpackWritesWhatChanged(t *testing.T) {
	t.Parallel()
	v := sentFolder(t)
	err := Unpack(v.path, v.was, packed(t, folder("./", 0o755), reg("./a", 0o750), folder("./new/", 0o555), reg("./new/file", 0o600),
		link("./l", "new/file"), folder("./sub/", 0o755)))
	if err != nil {
		t.Fatal(err)
	}
	if got := held(t, v, "l"); got != "./new/file" {
		t.Errorf("new/file through the symlink is %q", got)
	}
	info, err := os.Stat(filepath.Join(v.path, "a"))
	if err != nil || info.Mode() != 0o750 || !info.ModTime().Equal(time.Unix(1000, 5)) {
		t.Errorf("a is %v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(v.path, "new")); err != nil || info.Mode().Perm() != 0o555 {
		t.Errorf("new is %v, %v", info, err)
	}
	if entries, err := os.ReadDir(filepath.Join(v.path, "sub")); err != nil || len(entries) != 0 {
		t.Errorf("sub still holds %v, %v", entries, err)
	}
}

func TestUnpackLeavesWhatDidNotChange(t *testing.T) {
	t.Parallel()
	v := sentFolder(t)
	path := filepath.Join(v.path, "a")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := openTree(v.path, v.was)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.close()
	same := tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 3, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(),
		Uid: os.Getuid(), Gid: os.Getgid()}
	if err := tree.put(&same, strings.NewReader("xyz")); err != nil {
		t.Fatal(err)
	}
	if got := held(t, v, "a"); got != "old" {
		t.Errorf("a file that is what was sent was written again: %q", got)
	}
	same.ModTime = same.ModTime.Add(time.Nanosecond)
	if err := tree.put(&same, strings.NewReader("xyz")); err != nil {
		t.Fatal(err)
	}
	if got := held(t, v, "a"); got != "xyz" {
		t.Errorf("a file that is a nanosecond newer was not written: %q", got)
	}
}

func TestUnpackRemovesOnlyWhatWasSent(t *testing.T) {
	t.Parallel()
	v := sentFolder(t)
	for name, text := range map[string]string{"sub/mine": "put here meanwhile", "a": "changed here meanwhile"} {
		if err := os.WriteFile(filepath.Join(v.path, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Unpack(v.path, v.was, packed(t, folder("./", 0o755))); err != nil {
		t.Fatal(err)
	}
	if held(t, v, "sub/mine") == "" || held(t, v, "a") != "changed here meanwhile" {
		t.Error("what was put here meanwhile is not as it was")
	}
	for _, name := range []string{"sub/b", "sub/deep", "l"} {
		if _, err := os.Lstat(filepath.Join(v.path, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

func TestUnpackChangesKinds(t *testing.T) {
	t.Parallel()
	v := sentFolder(t)
	err := Unpack(v.path, v.was, packed(t, reg("sub", 0o644), folder("a/", 0o755), reg("a/inner", 0o644), folder("l/", 0o755)))
	if err != nil {
		t.Fatal(err)
	}
	if held(t, v, "sub") != "sub" || held(t, v, "a/inner") != "a/inner" {
		t.Error("a folder did not become a file, or a file a folder")
	}
}

func TestUnpackRefusesToLeave(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]tar.Header{
		"dots":              {reg("../escaped", 0o644)},
		"dots inside":       {reg("sub/../../escaped", 0o644)},
		"absolute":          {reg("/escaped", 0o644)},
		"symlink":           {link("out", ".."), reg("out/escaped", 0o644)},
		"absolute symlink":  {link("out", os.TempDir()), reg("out/escaped", 0o644)},
		"folder by symlink": {link("out", ".."), folder("out/escaped", 0o755)},
	} {
		t.Run(name, func(t *testing.T) {
			v := sentFolder(t)
			if err := Unpack(v.path, v.was, packed(t, entries...)); err == nil {
				t.Error("no error")
			}
			for _, dir := range []string{filepath.Dir(v.path), os.TempDir(), "/"} {
				if _, err := os.Lstat(filepath.Join(dir, "escaped")); err == nil {
					t.Errorf("wrote outside the folder, into %s", dir)
				}
			}
		})
	}
}

func TestUnpackRemovesNothingWhenCutShort(t *testing.T) {
	t.Parallel()
	v := sentFolder(t)
	cut := packed(t, folder("./", 0o755), reg("./n", 0o644))
	cut.Truncate(700)
	if err := Unpack(v.path, v.was, cut); err == nil {
		t.Error("no error")
	}
	r, w := io.Pipe()
	go func() {
		_, _ = packed(t, folder("./", 0o755)).WriteTo(w)
		_ = w.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if err := Unpack(v.path, v.was, r); err == nil {
		t.Error("no error although packing failed")
	}
	if held(t, v, "sub/b") != "old" {
		t.Error("a file is gone")
	}
	left, err := filepath.Glob(filepath.Join(v.path, ".medbuild-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}
