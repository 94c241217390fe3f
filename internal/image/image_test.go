package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/medbuild/medbuild/internal/testkit"
)

// layer is a layer with folders, whose names end in a slash, and with files that
// hold their own names.
func layer(t *testing.T, names ...string) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		if strings.HasSuffix(name, "/") {
			if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(name))})
		if _, werr := io.WriteString(w, name); err != nil || werr != nil {
			t.Fatal(err, werr)
		}
	}
	return archived(t, b.Bytes(), w.Close())
}

func archived(t *testing.T, data []byte, err error) v1.Layer {
	t.Helper()
	l, lerr := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
	if err := errors.Join(err, lerr); err != nil {
		t.Fatal(err)
	}
	return l
}

func of(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// written is a layout of the images.
func written(t *testing.T, images ...v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range images {
		if err := path.AppendImage(img); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWalk(t *testing.T) {
	t.Parallel()
	img, err := OpenLayout(written(t, of(t, layer(t, "./etc/", "etc/passwd"), layer(t, "etc/passwd"))))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = Walk(img, func(e Entry) error {
		data, err := io.ReadAll(e.Content)
		got = append(got, fmt.Sprintf("%d %s=%s", e.Layer, e.Name, data))
		return err
	})
	if want := []string{"0 etc=", "0 etc/passwd=etc/passwd", "1 etc/passwd=etc/passwd"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// The walk ends with the first error, and says in which layer.
func TestWalkEnds(t *testing.T) {
	t.Parallel()
	failed, n := errors.New("enough"), 0
	err := Walk(of(t, layer(t, "a"), layer(t, "b", "c")), func(e Entry) error {
		n++
		if e.Name == "b" {
			return failed
		}
		return nil
	})
	if !errors.Is(err, failed) || n != 2 {
		t.Errorf("%v after %d entries", err, n)
	}
	testkit.WantText(t, err, "layer 1: enough")
	garbage := archived(t, bytes.Repeat([]byte("no archive "), 100), nil)
	testkit.WantText(t, Walk(of(t, garbage), func(Entry) error { return nil }), "layer 0: archive/tar")
}

// A layer that the layout does not hold is an error, and no empty layer.
func TestWalkWithoutBlob(t *testing.T) {
	t.Parallel()
	one := layer(t, "a")
	dir := written(t, of(t, one))
	d, err := one.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "blobs/sha256", d.Hex)); err != nil {
		t.Fatal(err)
	}
	img, err := OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	testkit.WantText(t, Walk(img, func(Entry) error { return nil }), "layer 0: ", "no such file")
}

func TestOpenLayoutRefuses(t *testing.T) {
	t.Parallel()
	broken := written(t)
	if err := os.WriteFile(filepath.Join(broken, "index.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	several := written(t, of(t, layer(t, "a")), of(t, layer(t, "b")))
	for dir, want := range map[string]string{
		filepath.Join(broken, "absent"): "read OCI layout " + broken + "/absent",
		broken:                          "read OCI layout " + broken,
		several:                         "OCI layout " + several + " has 2 images, want one",
		written(t):                      "has 0 images, want one",
	} {
		_, err := OpenLayout(dir)
		testkit.WantText(t, err, want)
	}
}
