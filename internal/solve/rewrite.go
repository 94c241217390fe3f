package solve

import (
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// rewrite is a finished graph in which change was made to every operation that
// it reports to have changed. It is for what the stages must not know: the
// engine's kind, the site's mirrors. was has the operations that are others now
// as they were, by their new digests.
func rewrite(def *bk.Definition, change func(*pb.Op) bool) (out *bk.Definition, was map[digest.Digest][]byte, err error) {
	out = &bk.Definition{Metadata: map[digest.Digest]bk.OpMetadata{}, Source: &pb.Source{Locations: map[string]*pb.Locations{}},
		Constraints: def.Constraints}
	out.Source.Infos = def.Source.GetInfos()
	was = map[digest.Digest][]byte{}
	renamed := map[string]string{}
	// Inputs come before what they go into.
	for _, data := range def.Def {
		old := digest.FromBytes(data)
		changed, err := rewritten(data, renamed, change)
		if err != nil {
			return nil, nil, err
		}
		now := digest.FromBytes(changed)
		renamed[old.String()] = now.String()
		if now != old {
			was[now] = data
		}
		out.Def = append(out.Def, changed)
		if meta, ok := def.Metadata[old]; ok {
			out.Metadata[now] = meta
		}
		if at, ok := def.Source.GetLocations()[old.String()]; ok {
			out.Source.Locations[now.String()] = at
		}
	}
	return out, was, nil
}

// rewritten is one operation, changed and with its inputs' new names. One that
// stays as it is keeps its bytes.
func rewritten(data []byte, renamed map[string]string, change func(*pb.Op) bool) ([]byte, error) {
	var op pb.Op
	if err := proto.Unmarshal(data, &op); err != nil {
		return nil, err
	}
	changed := change(&op)
	for _, in := range op.Inputs {
		changed = changed || renamed[in.Digest] != in.Digest
		in.Digest = renamed[in.Digest]
	}
	if !changed {
		return data, nil
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&op)
}
