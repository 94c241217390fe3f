package build

import (
	"slices"
	"strings"

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
		if n.names(meta.Description["llb.customname"]) {
			meta.IgnoreCache = true
			def.Metadata[dgst] = meta
		}
	}
}

func (n NoCache) names(step string) bool {
	return n.All || slices.ContainsFunc(n.Components, func(c string) bool {
		return strings.HasPrefix(step, "["+c+"] ")
	})
}
