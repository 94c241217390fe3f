package build

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"

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
	own := img.Layers
	if layersOf(c.History) == own[0].Count {
		own = own[1:] // the base tells of its layers
	} else {
		c.History = nil
	}
	for _, l := range own {
		for range l.Count {
			c.History = append(c.History, line(l.Line))
		}
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
