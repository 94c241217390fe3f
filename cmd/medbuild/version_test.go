package main

import (
	"runtime/debug"
	"testing"
)

// TestVersionOfABuild holds what a build says of itself: go install states the
// module's version, go build in a clone the commit, the linker what make states.
func TestVersionOfABuild(t *testing.T) {
	buildkit := []*debug.Module{{Path: "github.com/moby/buildkit", Version: "v0.33.1"}}
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}
	for name, c := range map[string]struct {
		stated string
		info   debug.BuildInfo
		want   versions
	}{
		"go install": {"", debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}, Deps: buildkit},
			versions{Version: "v0.1.0", BuildKit: "v0.33.1"}},
		"go build": {"", debug.BuildInfo{Main: debug.Module{Version: "v0.1.1-0.20261124000000-abc"}, Deps: buildkit, Settings: commit},
			versions{Version: "v0.1.1-0.20261124000000-abc", Commit: "abc", BuildKit: "v0.33.1"}},
		"make": {"v0.1.0-2-gabc", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Deps: buildkit, Settings: commit},
			versions{Version: "v0.1.0-2-gabc", Commit: "abc", BuildKit: "v0.33.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := versions{Version: c.stated}
			got.read(&c.info)
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
