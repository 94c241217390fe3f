package output

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxManifest bounds what is read in search of names, in bytes. Layers are
// larger or no JSON; a manifest of four thousand layers is not.
const maxManifest = 4 << 20

// Layouts are the OCI layout folders that a build exports to. Exports share a
// folder; the last one to leave it removes what nothing names any more.
type Layouts struct {
	began time.Time
	dirs  map[string]*os.File // opened and locked, by path
}

// HoldLayouts shares the outputs' folders. One that cannot be shared, such as on
// some network file systems, is never put in order.
func HoldLayouts(outputs []client.ExportEntry) *Layouts {
	l := &Layouts{began: time.Now(), dirs: map[string]*os.File{}}
	for _, o := range outputs {
		if o.OutputDir == "" || l.dirs[o.OutputDir] != nil {
			continue
		}
		dir, err := openFolder(o.OutputDir)
		if err != nil {
			continue // the export will say it
		}
		if shareFolder(dir) != nil {
			_ = dir.Close()
			continue
		}
		l.dirs[o.OutputDir] = dir
	}
	return l
}

func openFolder(path string) (*os.File, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Leave gives the folders back, each in order where no other export is in it.
// What was written since the build began may belong to an exporter that knows
// no lock; after a failed export it is this one's and half of an image.
func (l *Layouts) Leave(built bool) error {
	var errs []error
	for path, dir := range l.dirs {
		young := l.began
		if !built {
			young = time.Now()
		}
		if ownFolder(dir) {
			errs = append(errs, collect(path, young))
		}
		errs = append(errs, dir.Close())
	}
	return errors.Join(errs...)
}

// collect removes what earlier exports left in an OCI layout folder: blobs that
// nothing reachable from index.json names, unless they were written since
// young. A folder whose index cannot be read is left as it is; one without any
// has no image.
func collect(layout string, young time.Time) error {
	c := collector{dir: layout, kept: map[digest.Digest]bool{}}
	index, err := os.ReadFile(filepath.Join(layout, ocispecs.ImageIndexFile))
	if err == nil {
		err = c.follow(index)
	}
	if err = ignoreMissing(err); err != nil {
		return fmt.Errorf("collect old blobs of %s: %w", layout, err)
	}
	if err := c.sweep(young); err != nil {
		return err
	}
	if len(index) == 0 {
		removeEmpty(layout)
	}
	return nil
}

// removeEmpty removes the folders that a failed export made. Those with
// something in them stay: removing them fails.
func removeEmpty(layout string) {
	blobs := filepath.Join(layout, ocispecs.ImageBlobsDir)
	for _, dir := range []string{filepath.Join(blobs, "sha256"), blobs, filepath.Join(layout, ingestDir), layout} {
		_ = os.Remove(dir)
	}
}

// ingestDir is where the content store of containerd, which exports write with,
// keeps blobs that are not complete.
const ingestDir = "ingest"

type collector struct {
	dir  string
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
	data, err := os.ReadFile(filepath.Join(c.dir, ocispecs.ImageBlobsDir, d.Digest.Algorithm().String(), d.Digest.Encoded()))
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
	blobs, err := filepath.Glob(filepath.Join(c.dir, ocispecs.ImageBlobsDir, "*", "*"))
	if err != nil {
		return err
	}
	parts, err := filepath.Glob(filepath.Join(c.dir, ingestDir, "*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range append(blobs, parts...) {
		d := digest.NewDigestFromEncoded(digest.Algorithm(filepath.Base(filepath.Dir(path))), filepath.Base(path))
		info, err := os.Stat(path)
		if c.kept[d] || err != nil || info.ModTime().After(young) {
			continue
		}
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
