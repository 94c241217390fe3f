package llb

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb/llbtest"
	digest "github.com/opencontainers/go-digest"
)

func TestFetch(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("c0", 20)
	tests := []struct {
		input  Input
		source string
		attrs  map[string]string
	}{
		{Input{Kind: Archive, Address: "https://files.example/a/tool-1.tar.gz", Pin: "sha256:" + digits}, "https://files.example/a/tool-1.tar.gz",
			map[string]string{"http.checksum": "sha256:" + digits, "http.filename": "tool-1.tar.gz"}},
		{Input{Kind: Git, Address: "https://git.example/a/tool.git", Pin: commit}, "git://git.example/a/tool.git#" + commit,
			map[string]string{"git.fullurl": "https://git.example/a/tool.git", "git.checksum": commit, "git.skipsubmodules": "true"}},
		{Input{Kind: Git, Address: "https://git.example/a/tool.git", Pin: commit, Submodules: true}, "git://git.example/a/tool.git#" + commit,
			map[string]string{"git.checksum": commit, "git.skipsubmodules": ""}},
		{Input{Kind: Files, Address: "registry.example/a/tool:1@sha256:" + digits, Pin: "sha256:" + digits}, "docker-image://registry.example/a/tool:1@sha256:" + digits, nil},
	}
	for _, tt := range tests {
		g := llbtest.Read(t, llbtest.End{State: tt.input.Fetch("tool", Location{})})
		op := g.Find("[tool] fetch " + tt.input.File())
		if op == nil {
			t.Fatalf("%s: no operation with the component's name", tt.input.Address)
		}
		if op.GetSource().Identifier != tt.source {
			t.Errorf("source is %s, want %s", op.GetSource().Identifier, tt.source)
		}
		for key, want := range tt.attrs {
			if got := op.GetSource().Attrs[key]; got != want {
				t.Errorf("%s is %q, want %q in %v", key, got, want, slices.Sorted(maps.Keys(op.GetSource().Attrs)))
			}
		}
	}
}

func TestInputName(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://files.example/a/tool-1.zip":            "tool-1.zip",
		"https://files.example/tool-1.zip?download=1":   "tool-1.zip",
		"https://files.example/tool.zip#fragment":       "tool.zip",
		"https://git.example/tool.git":                  "tool.git",
		"https://files.example/download.php/tool%20.gz": "tool%20.gz",
		"https://files.example/":                        "files.example",
		"git@git.example:group/tool.git":                "tool.git",
	} {
		if got := (Input{Address: address}).File(); got != want {
			t.Errorf("name of %s is %q, want %q", address, got, want)
		}
	}
}

// TestTarsOfOneNameNeverMeet: two builds may serve different files under one
// name to one engine.
func TestTarsOfOneNameNeverMeet(t *testing.T) {
	t.Parallel()
	unique := func(content string) string {
		g := llbtest.Read(t, llbtest.End{State: Tar("base", "base.tar", digest.Digest("sha256:"+content))})
		return g.Ops[0].GetSource().Attrs["local.unique"]
	}
	if a, b := unique(digits), unique(strings.Repeat("6b", 32)); a == b || a != "sha256:"+digits {
		t.Errorf("unique ids are %q and %q, want the contents' digests", a, b)
	}
}

func TestDefinitionsMarshalTheSame(t *testing.T) {
	t.Parallel()
	llbtest.Stable(t, func() State {
		s := someStep()
		s.Env, s.Secrets, s.Network = []string{"B=1", "A=2"}, []string{"z", "a"}, true
		s.Inputs = []Mount{{Target: "/in", State: Input{Kind: Archive, Address: "https://files.example/x", Pin: "sha256:" + digits}.Fetch("x", Location{})}}
		s.Caches = []Cache{{Target: "/c", ID: "x/c"}, {Target: "/b", ID: "x/b", Locked: true}}
		root := Tar("base", "base.tar", digest.Digest("sha256:"+digits))
		return Merge(Operation{Action: "all"}, root, s.Layer("/opt/x"), File("f", []byte("text")), Parents("all", root, []string{"/opt/x", "/home/u/y"}))
	})
}

func TestPosition(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]problem.Position{
		"":                    {},
		"components.toml":     {File: "components.toml"},
		"components.toml:3:7": {File: "components.toml", Line: 3, Col: 7},
	} {
		if p.String() != want {
			t.Errorf("%#v is %q, want %q", p, p, want)
		}
	}
}
