// Package image reads what is inside an image: its layers, streaming.
package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// OpenLayout is the one image of an OCI layout folder. An error says when the
// folder is no layout or has several images.
func OpenLayout(path string) (v1.Image, error) {
	if err := small(path, "index.json"); err != nil {
		return nil, err
	}
	index, err := layout.ImageIndexFromPath(path)
	if err != nil {
		return nil, fmt.Errorf("read OCI layout %s: %w", path, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("read OCI layout %s: %w", path, err)
	}
	if n := len(manifest.Manifests); n != 1 {
		return nil, fmt.Errorf("OCI layout %s has %d images, want one", path, n)
	}
	d := manifest.Manifests[0].Digest
	if err := small(path, "blobs", d.Algorithm, d.Hex); err != nil {
		return nil, err
	}
	return index.Image(d)
}

// small refuses a file of a layout that would be read whole and is larger than a
// registry takes. One that is not there is told by who reads it.
func small(layout string, names ...string) error {
	file := filepath.Join(append([]string{layout}, names...)...)
	info, err := os.Stat(file)
	if err != nil || info.Mode().IsRegular() && info.Size() <= maxManifest {
		return nil
	}
	return fmt.Errorf("read OCI layout %s: %s is no file of at most %d MiB", layout, filepath.Join(names...), maxManifest>>20)
}

// The bounds of an image: bytes of its index and its manifest, as many as the
// specification wants every registry to take; layers, of which overlay mounts far
// fewer; entries of all layers, a hundred times FreeSurfer's.
const (
	maxManifest = 4 << 20
	maxLayers   = 1000
	maxEntries  = 10_000_000
)

// Entry is one entry of a layer's tar. Name has no "./" before it and no slash
// behind it. Content is read before the next entry is asked for.
type Entry struct {
	*tar.Header
	Layer   int // from 0, the lowest
	Content io.Reader
}

// Walk calls f for every entry of every layer, from the lowest up, compressed
// with gzip, zstd or not at all. It ends with f's first error.
func Walk(img v1.Image, f func(Entry) error) error {
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("read the image's layers: %w", err)
	}
	if len(layers) > maxLayers {
		return fmt.Errorf("the image has %d layers, more than %d", len(layers), maxLayers)
	}
	left := maxEntries
	for i, l := range layers {
		if err := walkLayer(l, i, &left, f); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	return nil
}

func walkLayer(l v1.Layer, n int, left *int, f func(Entry) error) error {
	data, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer data.Close()
	t := tar.NewReader(data)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if *left--; *left < 0 {
			return fmt.Errorf("the image has more than %d entries", maxEntries)
		}
		h.Name = strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
		if err := f(Entry{Header: h, Layer: n, Content: t}); err != nil {
			return err
		}
	}
}
