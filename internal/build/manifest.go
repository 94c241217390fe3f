package build

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/content/proxy"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blobs is what an engine keeps of the images that it exported.
func Blobs(c *client.Client) content.Provider { return proxy.NewContentStore(c.ContentClient()) }

// manifest reads the manifest of an exported image from the engine, whose
// build history keeps it. false when the engine does not have it.
func manifest(ctx context.Context, blobs content.Provider, response map[string]string) (ocispecs.Manifest, bool) {
	var m ocispecs.Manifest
	desc, err := descriptor(response)
	if err != nil {
		return m, false
	}
	data, err := content.ReadBlob(ctx, blobs, desc)
	if err != nil || json.Unmarshal(data, &m) != nil {
		return m, false
	}
	return m, len(m.Layers) > 0
}

func descriptor(response map[string]string) (ocispecs.Descriptor, error) {
	var d ocispecs.Descriptor
	data, err := base64.StdEncoding.DecodeString(response[exptypes.ExporterImageDescriptorKey])
	if err != nil {
		return d, fmt.Errorf("image descriptor: %w", err)
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("image descriptor: %w", err)
	}
	return d, nil
}
