//go:build !linux

package engine

import (
	"context"
	"runtime"

	"github.com/medbuild/medbuild/internal/problem"
)

// openChild refuses: build steps are Linux containers, so buildkitd runs on
// Linux alone.
func openChild(context.Context, Options) (*Engine, error) {
	return nil, problem.Failedf("cannot run on %s", runtime.GOOS).
		Hint("use another engine: turn on Docker Desktop's containerd image store, or give --engine tcp://host:port, ssh://user@host, docker-container://name or kube-pod://name")
}
