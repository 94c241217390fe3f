package solve

import (
	"slices"

	"github.com/medbuild/medbuild/llb"
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
		if n.names(llb.OperationOf(meta.Description)) {
			meta.IgnoreCache = true
			def.Metadata[dgst] = meta
		}
	}
}

func (n NoCache) names(step llb.Operation) bool {
	return n.All || step.Owner == llb.OfComponent && slices.Contains(n.Components, step.Component)
}
