package engine

import (
	"context"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"golang.org/x/mod/semver"
	"google.golang.org/grpc/codes"
)

// Oldest is the oldest BuildKit that builds the images that today's builds, by
// TestOldestEngine of package integration. 0.11.6 gives them other digests, and
// 0.10.6 cannot export them.
const Oldest = "v0.12.0"

// checkVersion refuses a BuildKit that is older than the oldest that works. One
// that does not say how old it is, such as a build of one's own, is not refused.
func checkVersion(ctx context.Context, c *client.Client) error {
	info, err := c.Info(ctx)
	if grpcerrors.Code(err) == codes.Unimplemented {
		return tooOld("older than 0.11") // which brought the question
	}
	if err != nil {
		return err
	}
	return checkNumber(info.BuildkitVersion.Version)
}

// checkNumber is checkVersion for a version as BuildKit says it.
func checkNumber(version string) error {
	v := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(v) || strings.HasPrefix(v, "v0.0.0") || semver.Compare(v, Oldest) >= 0 {
		return nil
	}
	return tooOld(strings.TrimPrefix(v, "v"))
}

func tooOld(version string) error {
	oldest := strings.TrimPrefix(Oldest, "v")
	return problem.Failedf("is BuildKit %s; the oldest supported version is %s", version, oldest).
		Hint("update that BuildKit to %s or newer, or give the address of another one with --engine", oldest)
}
