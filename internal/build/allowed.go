package build

import (
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/entitlements"
)

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
