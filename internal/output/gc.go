package output

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxManifest bounds what is read in search of names, in bytes. Layers are
// larger or no JSON; a manifest of four thousand layers is not.
const maxManifest = 4 << 20

// collect removes what earlier exports left in an OCI layout folder: blobs that
// nothing reachable from index.json names, unless they were written since
// young: an exporter that knows no lock may be at work. A folder whose index
// cannot be read is left as it is.
func collect(layout *os.Root, young time.Time) error {
	c := collector{dir: layout, kept: map[digest.Digest]bool{}}
	index, err := layout.ReadFile(ocispecs.ImageIndexFile)
	if err == nil {
		err = c.follow(index)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("collect old blobs of %s: %w", layout.Name(), err)
	}
	return c.sweep(young)
}

// ingestDir is where the content store of containerd, which exports write with,
// keeps blobs that are not complete.
const ingestDir = "ingest"

type collector struct {
	dir  *os.Root
	kept map[digest.Digest]bool
}

// names is what indexes and manifests name other blobs by.
type names struct {
	Manifests []ocispecs.Descriptor `json:"manifests"`
	Layers    []ocispecs.Descriptor `json:"layers"`
	Config    *ocispecs.Descriptor  `json:"config"`
	Subject   *ocispecs.Descriptor  `json:"subject"`
}

// follow keeps what an index or manifest names, and what that names in turn.
func (c *collector) follow(data []byte) error {
	var n names
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	for _, d := range append(n.Layers, n.Manifests...) {
		if err := c.keep(d); err != nil {
			return err
		}
	}
	for _, d := range []*ocispecs.Descriptor{n.Config, n.Subject} {
		if d != nil {
			c.kept[d.Digest] = true
		}
	}
	return nil
}

func (c *collector) keep(d ocispecs.Descriptor) error {
	if err := d.Digest.Validate(); err != nil {
		return err
	}
	if c.kept[d.Digest] {
		return nil
	}
	c.kept[d.Digest] = true
	if !hasNames(d) {
		return nil
	}
	data, err := c.dir.ReadFile(blobPath(d.Digest))
	if errors.Is(err, os.ErrNotExist) {
		return nil // a layout need not have all that it names
	}
	if err != nil {
		return err
	}
	return c.follow(data)
}

// hasNames reports whether a blob is an index or a manifest.
func hasNames(d ocispecs.Descriptor) bool {
	switch d.MediaType {
	case ocispecs.MediaTypeImageIndex, ocispecs.MediaTypeImageManifest,
		"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json":
		return d.Size <= maxManifest
	}
	return false
}

// sweep removes the blobs that are not kept, and those that never became any.
func (c *collector) sweep(young time.Time) error {
	var errs []error
	for _, pattern := range []string{ocispecs.ImageBlobsDir + "/*/*", ingestDir + "/*"} {
		found, err := fs.Glob(c.dir.FS(), pattern)
		errs = append(errs, err)
		for _, name := range found {
			d := digest.NewDigestFromEncoded(digest.Algorithm(path.Base(path.Dir(name))), path.Base(name))
			info, err := c.dir.Lstat(filepath.FromSlash(name))
			if c.kept[d] || err != nil || info.ModTime().After(young) {
				continue
			}
			errs = append(errs, c.dir.RemoveAll(filepath.FromSlash(name)))
		}
	}
	return errors.Join(errs...)
}
