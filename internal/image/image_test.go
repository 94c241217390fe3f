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
	large := written(t)
	if err := os.Truncate(filepath.Join(large, "index.json"), 5<<20); err != nil {
		t.Fatal(err)
	}
	heavy := written(t, of(t, layer(t, "a")))
	swell(t, heavy)
	several := written(t, of(t, layer(t, "a")), of(t, layer(t, "b")))
	for dir, want := range map[string]string{
		filepath.Join(broken, "absent"): "read OCI layout " + broken + "/absent",
		broken:                          "read OCI layout " + broken,
		large:                           "index.json is no file of at most 4 MiB",
		heavy:                           "is no file of at most 4 MiB",
		several:                         "OCI layout " + several + " has 2 images, want one",
		written(t):                      "has 0 images, want one",
	} {
		_, err := OpenLayout(dir)
		testkit.WantText(t, err, want)
	}
}

// swell makes the blobs of a layout too large to be manifests.
func swell(t *testing.T, dir string) {
	t.Helper()
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs/sha256/*"))
	if err != nil || len(blobs) == 0 {
		t.Fatal("no blobs", err)
	}
	for _, b := range blobs {
		if err := os.Truncate(b, 5<<20); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWalkRefusesManyLayers(t *testing.T) {
	t.Parallel()
	one := layer(t, "a")
	img := of(t, slices.Repeat([]v1.Layer{one}, maxLayers+1)...)
	testkit.WantText(t, Walk(img, func(Entry) error { return nil }), "the image has 1001 layers, more than 1000")
}

// FuzzWalk: any bytes as a layer end in entries with names, or in an error that
// names the layer.
func FuzzWalk(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Name: "./a/", Typeflag: tar.TypeDir, Mode: 0o755, PAXRecords: map[string]string{"MEDBUILD.x": "y"}})
	if err := errors.Join(err, w.Close()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
		if err != nil {
			return
		}
		img, err := mutate.AppendLayers(empty.Image, l)
		if err != nil {
			return
		}
		err = Walk(img, func(e Entry) error {
			if e.Layer != 0 || e.Header == nil {
				t.Errorf("entry %+v", e)
			}
			_, err := io.Copy(io.Discard, e.Content)
			return err
		})
		if err != nil && !strings.HasPrefix(err.Error(), "layer 0: ") && !strings.HasPrefix(err.Error(), "read the image's layers: ") {
			t.Errorf("%v names no layer", err)
		}
	})
}

// FuzzOpenLayout: any index and manifest end in an image with a digest, or in an
// error.
func FuzzOpenLayout(f *testing.F) {
	const digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // of {}
	f.Add([]byte(`{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"`+digest+`"}]}`), []byte("{}"))
	f.Add([]byte("{"), []byte("["))
	f.Fuzz(func(t *testing.T, index, manifest []byte) {
		dir := t.TempDir()
		blob := filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
		err := errors.Join(os.MkdirAll(filepath.Dir(blob), 0o700), os.WriteFile(blob, manifest, 0o600), os.WriteFile(filepath.Join(dir, "index.json"), index, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		img, err := OpenLayout(dir)
		if (img == nil) == (err == nil) {
			t.Fatalf("%v, %v", img, err)
		}
		if err == nil {
			_, _ = img.Digest()
			_ = Walk(img, func(Entry) error { return nil })
		}
	})
}
