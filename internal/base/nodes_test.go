package base

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	gofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/medbuild/medbuild/stages/stage"
)

// rootTar is a root file system as mmdebstrap makes it, with device nodes or not.
func rootTar(t *testing.T, nodes bool) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(h tar.Header, data string) {
		h.Size, h.ModTime = int64(len(data)), time.Unix(946684800, 0)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	add(tar.Header{Name: "./dev/", Typeflag: tar.TypeDir, Mode: 0o755}, "")
	if nodes {
		add(tar.Header{Name: "./dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3}, "")
		add(tar.Header{Name: "./dev/sda", Typeflag: tar.TypeBlock, Mode: 0o660, Devmajor: 8}, "")
	}
	add(tar.Header{Name: "./bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin", Mode: 0o777}, "")
	add(tar.Header{Name: "./usr/" + strings.Repeat("deep/", 60) + "ping", Mode: 0o755, Uid: 1000, Gid: 100, Format: tar.FormatPAX,
		PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00"}}, strings.Repeat("ping", 1000))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstded(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// serve is what the session gives an engine of a tar, and the size that it names.
func serve(t *testing.T, data []byte) (got []byte, size int64) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "root.tar"), string(data))
	write(t, filepath.Join(dir, "beside"), "beside")
	b := New(dir, "")
	if _, _, err := b.Known(stage.BaseSettings{Name: "b", Tar: "root.tar"}); err != nil {
		t.Fatal(err)
	}
	folder := b.Files.Dirs["base-b"]
	if other := opened(t, folder, "beside"); string(other) != "beside" {
		t.Errorf("the file beside is served as %q", other)
	}
	err := folder.Walk(t.Context(), "", func(path string, e gofs.DirEntry, err error) error {
		if info, ierr := e.Info(); err == nil && ierr == nil && path == "root.tar" {
			size = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return opened(t, folder, "root.tar"), size
}

func opened(t *testing.T, folder interface {
	Open(string) (io.ReadCloser, error)
}, name string,
) []byte {
	t.Helper()
	f, err := folder.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// An engine that does not run as root cannot unpack device nodes: whichever way
// the tar is compressed they do not reach it, and all else does.
func TestTarIsServedWithoutDeviceNodes(t *testing.T) {
	t.Parallel()
	plain := rootTar(t, true)
	want := entries(t, rootTar(t, false))
	for name, data := range map[string][]byte{"tar": plain, "gzip": gzipped(t, plain), "zstd": zstded(t, plain)} {
		got, size := serve(t, data)
		if int64(len(got)) != size {
			t.Errorf("%s: %d bytes, said to be %d", name, len(got), size)
		}
		if all := entries(t, got); !slices.Equal(all, want) {
			t.Errorf("%s: served\n%s\nwant\n%s", name, strings.Join(all, "\n"), strings.Join(want, "\n"))
		}
	}
}

// What has no device nodes, and what is no tar at all, is served as it lies there.
func TestTarWithoutDeviceNodesIsServedAsItIs(t *testing.T) {
	t.Parallel()
	plain, nodes := rootTar(t, false), rootTar(t, true)
	for name, data := range map[string][]byte{"tar": plain, "gzip": gzipped(t, plain), "text": []byte("no tar"), "short": []byte("x"), "nothing": nil,
		"cut off": nodes[:700], "cut off in a file": nodes[:len(nodes)-4000]} {
		if got, size := serve(t, data); !bytes.Equal(got, data) || size != int64(len(data)) {
			t.Errorf("%s: %d bytes came of %d, said to be %d", name, len(got), len(data), size)
		}
	}
}

// entries are the entries of a tar with what a file system keeps of them.
func entries(t *testing.T, data []byte) []string {
	t.Helper()
	var out []string
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Join([]string{h.Name, h.Linkname, h.FileInfo().Mode().String(), h.ModTime.UTC().String(),
			h.PAXRecords["SCHILY.xattr.security.capability"], string(text), string(rune(h.Uid)), string(rune(h.Gid))}, " "))
	}
}

// One who stops reading leaves nothing behind that waits.
func TestNodelessIsClosedEarly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "root.tar")
	write(t, path, string(rootTar(t, true)))
	r, err := openNodeless(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := openNodeless(path + ".absent"); !os.IsNotExist(err) {
		t.Error(err)
	}
}
