package solve

import (
	"github.com/medbuild/medbuild/internal/fetch"
	digest "github.com/opencontainers/go-digest"
)

// lazily makes the failure of a step to get an image's layers the failure to
// fetch that image, where it is sure which one.
func (g graph) lazily(r *Record, f *failure) {
	blobs, layers := fetch.Layers(f.Reason)
	if f.address != "" || !layers {
		return
	}
	image := g.failure(g.lazyImage(r, f.digest, blobs))
	if image == nil {
		return
	}
	f.digest, f.of, f.address, f.asked = image.digest, image.of, image.address, image.asked
}

// lazyImage is the one image that a step's files come from, or else the one
// that the engine fetched one of the blobs for; "" when neither is known.
func (g graph) lazyImage(r *Record, step digest.Digest, blobs []string) digest.Digest {
	images := g.images(step)
	if len(images) == 1 {
		return images[0]
	}
	for _, blob := range blobs {
		if d, ok := r.fetching(blob); ok {
			return d
		}
	}
	return ""
}
