package solve

import (
	"strings"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// graph is the operations of a definition by the names that the engine may
// give them.
type graph map[digest.Digest]node

type node struct {
	data []byte
	meta bk.OpMetadata
}

func graphOf(def *bk.Definition) graph {
	g := graph{}
	for _, data := range def.Def {
		d := digest.FromBytes(data)
		g[d] = node{data, def.Metadata[d]}
		g[uncached(d)] = g[d]
	}
	return g
}

// uncached is the name BuildKit gives a step that is to run although its result
// is known (solver/jobs.go).
func uncached(d digest.Digest) digest.Digest { return digest.FromString(d.String() + "-ignorecache") }

func (g graph) find(d digest.Digest) (*pb.Op, bk.OpMetadata, bool) {
	n, ok := g[d]
	var op pb.Op
	if !ok || proto.Unmarshal(n.data, &op) != nil {
		return nil, n.meta, false
	}
	return &op, n.meta, true
}

// images are the images among the inputs of a step and what those are made of.
func (g graph) images(d digest.Digest) []digest.Digest {
	var out []digest.Digest
	seen := map[digest.Digest]bool{}
	var visit func(digest.Digest)
	visit = func(d digest.Digest) {
		op, _, ok := g.find(d)
		if !ok || seen[d] {
			return
		}
		seen[d] = true
		if strings.HasPrefix(op.GetSource().GetIdentifier(), "docker-image://") {
			out = append(out, d)
		}
		for _, in := range op.Inputs {
			visit(digest.Digest(in.Digest))
		}
	}
	visit(d)
	return out
}
