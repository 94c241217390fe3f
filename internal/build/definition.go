package build

import (
	"context"
	"fmt"
	"strings"

	bk "github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/medbuild/medbuild/llb"
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
