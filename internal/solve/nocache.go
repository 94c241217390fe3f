package solve

import (
	"slices"

	bk "github.com/moby/buildkit/client/llb"
)

// NoCache says whose steps run again although their results are known.
type NoCache struct {
	All        bool
	Components []string
}

// apply marks the steps. The mark is metadata: it changes no cache key.
func (n NoCache) apply(def *bk.Definition) {
	for dgst, meta := range def.Metadata {
		if n.All || slices.Contains(n.Components, nameOf(meta).Component) {
			meta.IgnoreCache = true
			def.Metadata[dgst] = meta
		}
	}
}
