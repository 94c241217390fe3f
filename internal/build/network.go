package build

import (
	"fmt"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/entitlements"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// hostNetwork gives every command that has a network the machine's own, for
// engines that have none to give. It is done to the finished graph because the
// stages know no engines. The keys of those commands are then others than
// elsewhere, so they share no cache with other engines.
func hostNetwork(def *bk.Definition) (*bk.Definition, error) {
	out := &bk.Definition{Metadata: map[digest.Digest]bk.OpMetadata{}, Source: &pb.Source{Locations: map[string]*pb.Locations{}},
		Constraints: def.Constraints}
	out.Source.Infos = def.Source.GetInfos()
	renamed := map[string]string{}
	// Inputs come before what they go into.
	for _, data := range def.Def {
		old := digest.FromBytes(data)
		data, err := onHostNetwork(data, renamed)
		if err != nil {
			return nil, fmt.Errorf("give the build graph the host's network: %w", err)
		}
		now := digest.FromBytes(data)
		renamed[old.String()] = now.String()
		out.Def = append(out.Def, data)
		if meta, ok := def.Metadata[old]; ok {
			out.Metadata[now] = meta
		}
		if at, ok := def.Source.GetLocations()[old.String()]; ok {
			out.Source.Locations[now.String()] = at
		}
	}
	return out, nil
}

// onHostNetwork is one operation with its inputs' new names.
func onHostNetwork(data []byte, renamed map[string]string) ([]byte, error) {
	var op pb.Op
	if err := proto.Unmarshal(data, &op); err != nil {
		return nil, err
	}
	changed := false
	for _, in := range op.Inputs {
		changed = changed || renamed[in.Digest] != in.Digest
		in.Digest = renamed[in.Digest]
	}
	if exec := op.GetExec(); exec != nil && exec.Network == pb.NetMode_UNSET {
		exec.Network, changed = pb.NetMode_HOST, true
	}
	if !changed {
		return data, nil
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&op)
}

// allowed is what an engine must be told may happen in a build.
func (b *Builder) allowed() []string {
	if !b.HostNetwork {
		return nil
	}
	return []string{entitlements.EntitlementNetworkHost.String()}
}

// network is the one of a container.
func (b *Builder) network() pb.NetMode {
	if b.HostNetwork {
		return pb.NetMode_HOST
	}
	return pb.NetMode_UNSET
}
