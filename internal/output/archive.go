package output

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"

	"github.com/moby/buildkit/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// archive is w for the exporter's archive. In an OCI archive BuildKit names images
// by their tags alone: it gets the whole references on its way.
func (d *Delivery) archive(w io.WriteCloser) io.WriteCloser {
	if d.Type != client.ExporterOCI {
		return w
	}
	return d.pipe(func(r io.Reader) error { return rename(w, r) })
}

// rename copies an OCI archive with its index's names made whole.
func rename(to io.Writer, from io.Reader) error {
	in, out := tar.NewReader(from), tar.NewWriter(to)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = renameEntry(out, h, in)
		}
		if err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, from) // what pads the archive
	return err
}

func renameEntry(out *tar.Writer, h *tar.Header, content io.Reader) error {
	if h.Name != ocispecs.ImageIndexFile || h.Size > maxManifest {
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.Copy(out, content)
		return err
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	if data, err = wholeNames(data); err != nil {
		return err
	}
	h.Size = int64(len(data))
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}

// wholeNames is an index whose images are named by their whole references.
func wholeNames(data []byte) ([]byte, error) {
	var index ocispecs.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, err
	}
	for i, m := range index.Manifests {
		index.Manifests[i] = named(m, nameOf(m))
	}
	return json.Marshal(index)
}
