package output

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/errdefs"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// growing is the content store of a layout that is being written: new blobs go
// into the claimed folder, and those that the place has already are not sent.
type growing struct {
	content.Store
	there *os.Root // the layout at the place; nil when there is none
	of    *Delivery
}

func (d *Delivery) store() (content.Store, error) {
	s, err := local.NewStore(d.claim.Path())
	if err != nil {
		return nil, d.note(err)
	}
	return growing{s, d.claim.Inside(), d}, nil
}

// Info tells of a blob that is written or at the place.
func (g growing) Info(ctx context.Context, d digest.Digest) (content.Info, error) {
	info, err := g.Store.Info(ctx, d)
	if size, ok := g.has(d); err != nil && ok {
		return content.Info{Digest: d, Size: size}, nil
	}
	return info, err
}

// has is the size of a blob at the place.
func (g growing) has(d digest.Digest) (int64, bool) {
	if g.there == nil || d.Validate() != nil {
		return 0, false
	}
	info, err := g.there.Lstat(blobPath(d))
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// Writer writes a blob, or says that the place has it, whole.
func (g growing) Writer(ctx context.Context, opts ...content.WriterOpt) (content.Writer, error) {
	var o content.WriterOpts
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if size, ok := g.has(o.Desc.Digest); ok && size == o.Desc.Size {
		return nil, fmt.Errorf("blob %s: %w", o.Desc.Digest, errdefs.ErrAlreadyExists)
	}
	w, err := g.Store.Writer(ctx, opts...)
	if err != nil {
		return nil, err
	}
	return blobWriter{w, g.of}, nil
}

// blobWriter is a writer whose errors the delivery keeps.
type blobWriter struct {
	content.Writer
	of *Delivery
}

// Write takes note of what goes wrong.
func (w blobWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	return n, w.of.note(err)
}

func blobPath(d digest.Digest) string {
	return filepath.Join(ocispecs.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

// seal makes a layout of the blobs that were written: the index last, so that it
// never names what is not there.
func (d *Delivery) seal(response map[string]string) error {
	dir, err := d.claim.Folder()
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.RemoveAll(ingestDir); err != nil {
		return err
	}
	index, err := d.index(response)
	if err != nil {
		return err
	}
	for name, v := range map[string]any{ocispecs.ImageIndexFile: index, ocispecs.ImageLayoutFile: ocispecs.ImageLayout{Version: ocispecs.ImageLayoutVersion}} {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := dir.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	if to := d.claim.Inside(); to != nil {
		return move(to, d.claim.Name())
	}
	return nil
}

// move adds a layout that lies in a folder of another to that one.
func move(layout *os.Root, from string) error {
	blobs, err := fs.Glob(layout.FS(), path.Join(from, ocispecs.ImageBlobsDir, "*", "*"))
	if err != nil {
		return err
	}
	for _, b := range blobs {
		to := strings.TrimPrefix(b, from+"/")
		if err := layout.MkdirAll(filepath.FromSlash(path.Dir(to)), 0o755); err != nil {
			return err
		}
		if err := layout.Rename(filepath.FromSlash(b), filepath.FromSlash(to)); err != nil {
			return err
		}
	}
	for _, name := range []string{ocispecs.ImageLayoutFile, ocispecs.ImageIndexFile} {
		if err := layout.Rename(filepath.Join(from, name), name); err != nil {
			return err
		}
	}
	return nil
}

// index is the layout's at the place with the image in it, once for each of its
// references. ref.name is whole: what knows no annotation of containerd's takes it
// for the image's name, and makes "0.1.0:latest" of a tag alone.
func (d *Delivery) index(response map[string]string) (ocispecs.Index, error) {
	index, err := readIndex(d.claim.Inside())
	if err != nil {
		return index, fmt.Errorf("%s: %w", filepath.Join(d.Dest, ocispecs.ImageIndexFile), err)
	}
	desc, err := Descriptor(response)
	if err != nil {
		return index, err
	}
	for name := range strings.SplitSeq(response[exptypes.ExporterImageNameKey], ",") {
		index.Manifests = append(slices.DeleteFunc(index.Manifests, func(m ocispecs.Descriptor) bool { return nameOf(m) == name }), named(desc, name))
	}
	return index, nil
}

// readIndex is the index of a layout, a new one where there is none.
func readIndex(layout *os.Root) (ocispecs.Index, error) {
	index := ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex}
	if layout == nil {
		return index, nil
	}
	data, err := layout.ReadFile(ocispecs.ImageIndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return index, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	return index, err
}

// nameOf is an image's whole reference. What BuildKit wrote has it beside a
// ref.name that is the tag alone.
func nameOf(m ocispecs.Descriptor) string {
	if whole := m.Annotations[images.AnnotationImageName]; whole != "" {
		return whole
	}
	return m.Annotations[ocispecs.AnnotationRefName]
}

func named(desc ocispecs.Descriptor, name string) ocispecs.Descriptor {
	annotations := map[string]string{}
	for k, v := range desc.Annotations {
		annotations[k] = v
	}
	if name != "" {
		annotations[images.AnnotationImageName], annotations[ocispecs.AnnotationRefName] = name, name
	}
	desc.Annotations = annotations
	return desc
}

// Descriptor is the exported image's, as its exporter answered.
func Descriptor(response map[string]string) (ocispecs.Descriptor, error) {
	var d ocispecs.Descriptor
	data, err := base64.StdEncoding.DecodeString(response[exptypes.ExporterImageDescriptorKey])
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		return d, fmt.Errorf("image descriptor: %w", err)
	}
	return d, nil
}
