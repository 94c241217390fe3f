package build

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"

	"github.com/medbuild/medbuild/llb"
	image "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// withHistory gives an image configuration a line for each layer. Left to the
// exporter it would hold whole scripts, or the digests of layers that came from
// a cache: then one image would have two digests.
func withHistory(config []byte, img assemble.Image, created time.Time) ([]byte, error) {
	var c image.DockerOCIImage
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("history of the image: %w", err)
	}
	line := func(what string) ocispecs.History {
		return ocispecs.History{Created: &created, CreatedBy: what, Comment: "medbuild"}
	}
	if layersOf(c.History) != img.Base.Layers {
		c.History = nil
		for range img.Base.Layers {
			c.History = append(c.History, line("base "+img.Base.Reference))
		}
	}
	for _, what := range ownLayers(img) {
		c.History = append(c.History, line(what))
	}
	return json.Marshal(c)
}

func layersOf(history []ocispecs.History) int {
	n := 0
	for _, h := range history {
		if !h.EmptyLayer {
			n++
		}
	}
	return n
}

// ownLayers names the layers over the base's, in their order in the image.
func ownLayers(img assemble.Image) []string {
	var out, prefixes []string
	if img.Apt {
		out = append(out, "runtime packages")
	}
	for _, p := range img.Parts {
		if p.Layer != nil {
			out = append(out, p.Name+" "+p.Version)
			prefixes = append(prefixes, p.Prefix)
		}
	}
	out = append(out, "version manifest")
	if len(llb.Ancestors(prefixes)) > 0 {
		out = append(out, "folders above the components")
	}
	return out
}
