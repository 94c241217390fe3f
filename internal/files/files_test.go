package files

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "deep", "file")
	for _, text := range []string{"one", "two"} {
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil || string(data) != text {
			t.Errorf("%q, %v", data, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "deep", ".tmp-*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
	if err := Write(filepath.Join(path, "below"), nil); err == nil {
		t.Error("a file is a folder")
	}
	if err := Write(filepath.Join(dir, "deep"), nil); err == nil {
		t.Error("a folder was replaced")
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "/absent", t.TempDir()} {
		if Full(dir) {
			t.Errorf("%q is full", dir)
		}
	}
}

func TestUnpackHardLinkAndPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hard := tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "/a", Mode: 0o644}
	pipe := tar.Header{Name: "pipe", Typeflag: tar.TypeFifo, Mode: 0o644}
	if err := Unpack(dir, nil, packed(t, reg("a", 0o644), hard, pipe)); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "b")); err != nil || string(data) != "a" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "pipe")); err == nil {
		t.Error("a pipe came out")
	}
}

func TestUnpackFails(t *testing.T) {
	t.Parallel()
	err := Unpack(filepath.Join(t.TempDir(), "absent"), nil, packed(t, reg("a", 0o644)))
	testkit.WantText(t, err, "no such file")
	err = Unpack(t.TempDir(), nil, bytes.NewReader([]byte("no archive, but long enough to be none")))
	testkit.WantText(t, err, "read the archive")
	hard := tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "absent"}
	testkit.WantText(t, Unpack(t.TempDir(), nil, packed(t, hard)), "b: ")
}
