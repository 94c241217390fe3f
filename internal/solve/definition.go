package solve

import (
	"context"
	"fmt"
	"strings"

	"github.com/medbuild/medbuild/llb"
	bk "github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Platform reads "os/arch" and "os/arch/variant".
func Platform(s string) ocispecs.Platform {
	parts := strings.SplitN(s+"//", "/", 4)
	return ocispecs.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

// Definition is the state as BuildKit gets it, for the platform "os/arch".
func Definition(ctx context.Context, s llb.State, platform string) (*bk.Definition, error) {
	def, err := s.Marshal(ctx, bk.Platform(Platform(platform)))
	if err != nil {
		return nil, fmt.Errorf("write the build graph: %w", err)
	}
	return def, nil
}

// definition is the state as this run's engine gets it, which can do that much.
func (s *Session) definition(ctx context.Context, state llb.State, can abilities) (*bk.Definition, error) {
	def, err := Definition(ctx, state, s.Platform)
	if err != nil {
		return nil, err
	}
	if s.HostNetwork {
		if def, err = hostNetwork(def); err != nil {
			return nil, err
		}
	}
	if def, err = s.sources.redirect(def, can); err != nil {
		return nil, fmt.Errorf("send the sources to the mirrors: %w", err)
	}
	s.NoCache.apply(def)
	s.Progress.Record.Expect(def)
	return def, nil
}
