package build

import (
	"context"
	"encoding/json"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/content/proxy"
	"github.com/medbuild/medbuild/internal/output"
	"github.com/moby/buildkit/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blobs is what an engine keeps of the images that it exported.
func Blobs(c *client.Client) content.InfoReaderProvider {
	return proxy.NewContentStore(c.ContentClient())
}

// manifest reads the manifest of an exported image from the engine, whose
// build history keeps it. false when the engine does not have it.
func manifest(ctx context.Context, blobs content.Provider, response map[string]string) (ocispecs.Manifest, bool) {
	var m ocispecs.Manifest
	desc, err := output.Descriptor(response)
	if err != nil {
		return m, false
	}
	data, err := content.ReadBlob(ctx, blobs, desc)
	if err != nil || json.Unmarshal(data, &m) != nil {
		return m, false
	}
	return m, len(m.Layers) > 0
}
