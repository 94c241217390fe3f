//go:build !linux

package engine

import (
	"context"
	"errors"
	"runtime"
)

// openChild refuses: build steps are Linux containers, so buildkitd runs on
// Linux alone.
func openChild(context.Context, Options) (*Engine, error) {
	return nil, hinted{errors.New("cannot run on " + runtime.GOOS),
		"give an engine: turn on Docker Desktop's containerd image store, or --engine tcp://host:port, ssh://user@host, docker-container://name or kube-pod://name"}
}
