package solve

import (
	"github.com/medbuild/medbuild/internal/fetch"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// abilities is what an engine knows of git sources. What an older one does not
// know it is not told: it would refuse the graph.
type abilities struct{ caps apicaps.CapSet }

func (c *Client) abilities() abilities { return abilities{c.Gateway.BuildOpts().LLBCaps} }

// dispensable is what a repository at a commit is right without, by the ability:
// the commit stands in the source's name as well, and submodules that come along
// are no other content of the repository's own.
var dispensable = map[apicaps.CapID]string{
	pb.CapSourceGitChecksum:       pb.AttrGitChecksum,
	pb.CapSourceGitSkipSubmodules: pb.AttrGitSkipSubmodules,
}

// alone reports whether the engine can fetch a commit by itself.
func (a abilities) alone() bool { return a.caps.Supports(pb.CapSourceGitFetchByCommit) == nil }

// fit takes from a repository what the engine does not know. It reports whether
// there was something.
func (a abilities) fit(s *pb.SourceOp) bool {
	changed := false
	for ability, attr := range dispensable {
		_, has := s.Attrs[attr]
		if has && fetch.IsGit(s) && a.caps.Supports(ability) != nil {
			delete(s.Attrs, attr)
			changed = true
		}
	}
	return changed
}

// declare makes a graph want no ability that fit has taken out.
func (a abilities) declare(def *bk.Definition) {
	for _, meta := range def.Metadata {
		for ability := range dispensable {
			if a.caps.Supports(ability) != nil {
				delete(meta.Caps, ability)
			}
		}
	}
}
