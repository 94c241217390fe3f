package build

import (
	"github.com/medbuild/medbuild/internal/fetch"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// redirect sends the sources of a finished graph to the mirrors. Neither keys
// nor results change: sources are known by their checksum, commit or digest. It
// is done here and not with a source policy, which cannot tell a repository's
// full address from its rules, and under which the engine names steps in ways
// that cannot be told in advance: errors and progress would know no component.
func (b *Builder) redirect(def *bk.Definition) (*bk.Definition, error) {
	out, was, err := rewrite(def, func(op *pb.Op) bool {
		s := op.GetSource()
		from := fetch.Address(s)
		way, _ := b.travels.current(fetch.Routes(b.Mirrors, from), from)
		b.Credentials.Allow(way.Address)
		if s == nil || way.Address == from {
			return false
		}
		fetch.Send(s, way.Address)
		return true
	})
	b.travels.mu.Lock()
	defer b.travels.mu.Unlock()
	if b.travels.was == nil {
		b.travels.was = map[digest.Digest][]byte{}
	}
	for d, data := range was {
		b.travels.was[d], b.travels.was[uncached(d)] = data, data
	}
	return out, err
}
