package solve

import (
	"fmt"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/entitlements"
)

// hostNetwork gives every command that has a network the machine's own, for
// engines that have none to give. The keys of those commands are then others
// than elsewhere, so they share no cache with other engines.
func hostNetwork(def *bk.Definition) (*bk.Definition, error) {
	out, _, err := rewrite(def, onHostNetwork)
	if err != nil {
		return nil, fmt.Errorf("give the build graph the host's network: %w", err)
	}
	return out, nil
}

func onHostNetwork(op *pb.Op) bool {
	exec := op.GetExec()
	if exec == nil || exec.Network != pb.NetMode_UNSET {
		return false
	}
	exec.Network = pb.NetMode_HOST
	return true
}

// entitlementsFor is what the engine must be told may happen in a build.
func entitlementsFor(hostNetwork bool) []string {
	if !hostNetwork {
		return nil
	}
	return []string{entitlements.EntitlementNetworkHost.String()}
}

// Network is the one of a container.
func (s *Session) Network() pb.NetMode {
	if s.HostNetwork {
		return pb.NetMode_HOST
	}
	return pb.NetMode_UNSET
}
