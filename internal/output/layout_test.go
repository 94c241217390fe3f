package output

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return v
	}
}

// put writes a blob as an engine's exporter does; false when the layout has it.
func put(t *testing.T, store content.Store, data []byte) bool {
	t.Helper()
	desc := ocispecs.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}
	w, err := store.Writer(t.Context(), content.WithRef(desc.Digest.String()), content.WithDescriptor(desc))
	if errors.Is(err, errdefs.ErrAlreadyExists) {
		return false
	}
	check(t, err)
	_, err = w.Write(data)
	check(t, errors.Join(err, w.Commit(t.Context(), desc.Size, desc.Digest), w.Close()))
	return true
}

// exportImage exports an image to a layout, and is how many blobs were sent.
func exportImage(t *testing.T, d *Delivery, img v1.Image, names string) (sent int, response map[string]string) {
	t.Helper()
	store := entry(t, d).OutputStore
	blobs := [][]byte{must(img.RawManifest())(t), must(img.RawConfigFile())(t)}
	for _, l := range must(img.Layers())(t) {
		blobs = append(blobs, must(io.ReadAll(must(l.Compressed())(t)))(t))
	}
	for _, b := range blobs {
		if put(t, store, b) {
			sent++
		}
	}
	desc := ocispecs.Descriptor{MediaType: string(must(img.MediaType())(t)), Digest: digest.FromBytes(blobs[0]), Size: int64(len(blobs[0]))}
	data := must(json.Marshal(desc))(t)
	return sent, map[string]string{exptypes.ExporterImageDescriptorKey: base64.StdEncoding.EncodeToString(data), exptypes.ExporterImageNameKey: names}
}

func delivers(t *testing.T, dir string, img v1.Image, names string) (sent int) {
	t.Helper()
	d := delivered(t, parsed(t, "type=oci,tar=false,dest="+dir))
	sent, response := exportImage(t, d, img, names)
	check(t, errors.Join(d.Commit(response), d.Release()))
	return sent
}

// images are the digests of a layout's whole images, by reference.
func imagesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	index := must(layout.ImageIndexFromPath(dir))(t)
	out := map[string]string{}
	for _, m := range must(index.IndexManifest())(t).Manifests {
		check(t, validate.Image(must(index.Image(m.Digest))(t)))
		out[m.Annotations[ocispecs.AnnotationRefName]] = m.Digest.String()
	}
	return out
}

// A layout has its images by their whole references; one that is exported again
// sends nothing, one of the same name replaces the other, and nothing is left of that.
func TestLayoutOutput(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	one, two := must(random.Image(100, 2))(t), must(random.Image(100, 1))(t)
	for _, c := range []struct {
		img   v1.Image
		names string
		sent  int
		blobs int
		want  []string
	}{
		{one, "example.org/a:1,example.org/a:latest", 4, 4, []string{"example.org/a:1", "example.org/a:latest"}},
		{one, "example.org/a:1", 0, 4, []string{"example.org/a:1", "example.org/a:latest"}},
		{two, "example.org/a:1", 3, 7, []string{"example.org/a:1", "example.org/a:latest"}},
		{two, "example.org/a:latest", 0, 3, []string{"example.org/a:1", "example.org/a:latest"}},
	} {
		if sent := delivers(t, dir, c.img, c.names); sent != c.sent {
			t.Errorf("%s: %d blobs were sent, want %d", c.names, sent, c.sent)
		}
		got := imagesIn(t, dir)
		for _, name := range c.want {
			if got[name] == "" {
				t.Errorf("%s: no %s in %v", c.names, name, got)
			}
		}
		blobs := must(filepath.Glob(filepath.Join(dir, "blobs/sha256/*")))(t)
		held := must(os.ReadDir(dir))(t)
		if len(got) != len(c.want) || len(blobs) != c.blobs || len(held) != 3 {
			t.Errorf("%s: images %v, %d blobs, %v", c.names, got, len(blobs), held)
		}
	}
}

// An export that was killed at any point leaves what was there, and the next one
// is right and leaves nothing of it.
func TestKilledLayoutOutput(t *testing.T) {
	t.Parallel()
	one, two := must(random.Image(100, 2))(t), must(random.Image(100, 1))(t)
	for _, there := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "out")
		if there {
			delivers(t, dir, one, "a:1")
		}
		killed := delivered(t, parsed(t, "type=oci,tar=false,dest="+dir))
		put(t, entry(t, killed).OutputStore, bytes.Repeat([]byte("x"), 1000))
		path := killed.claim.Path()
		// A process that dies leaves its files where they are and its locks free.
		check(t, os.Rename(path, path+"-kept"))
		check(t, killed.Release())
		check(t, os.Rename(path+"-kept", path))
		delivers(t, dir, two, "a:1")
		if got := imagesIn(t, dir); len(got) != 1 || got["a:1"] != must(two.Digest())(t).String() {
			t.Errorf("images %v", got)
		}
		if held, beside := must(os.ReadDir(dir))(t), must(os.ReadDir(filepath.Dir(dir)))(t); len(held) != 3 || len(beside) != 1 {
			t.Errorf("left: %v, %v", held, beside)
		}
		if blobs := must(filepath.Glob(filepath.Join(dir, "blobs/sha256/*")))(t); len(blobs) != 3 {
			t.Errorf("%d blobs", len(blobs))
		}
	}
}

// What is no layout's index is not written over, and a blob cut short is sent again.
func TestDamagedLayout(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	img := must(random.Image(100, 1))(t)
	delivers(t, dir, img, "a:1")
	blobs := must(filepath.Glob(filepath.Join(dir, "blobs/sha256/*")))(t)
	check(t, os.Truncate(blobs[0], 3))
	if sent := delivers(t, dir, img, "a:1"); sent != 1 {
		t.Errorf("%d blobs were sent", sent)
	}
	imagesIn(t, dir)
	check(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte("{"), 0o644))
	d := delivered(t, parsed(t, "type=oci,tar=false,dest="+dir))
	_, response := exportImage(t, d, img, "a:1")
	if err := d.Commit(response); err == nil {
		t.Error("a broken index was replaced")
	}
	check(t, d.Abandon())
}
