package stages

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
	"github.com/moby/buildkit/solver/pb"
)

// someLock is a lock with the packages, named <name>-<version>-<build> each.
func someLock(packages ...string) stage.File {
	var b strings.Builder
	b.WriteString("# packages for tests\n")
	for _, p := range packages {
		fmt.Fprintf(&b, "100\t%s\thttps://conda.example/channel/linux-64/%s.conda\tMIT\n", testkit.SHA256, p)
	}
	return stage.File{Path: "locks/some.conda.tsv", Content: []byte(b.String())}
}

func newConda(packages ...string) *Conda {
	return &Conda{Common: stage.Common{Name: "niimath", Stage: "conda", Version: "1.0", Prefix: "/opt/niimath"},
		Lock:    someLock(packages...),
		Generic: stage.Generic{Licence: "BSD-2-Clause", VersionCommand: "niimath -version"}}
}

func condaCases() []stageCase {
	return []stageCase{
		{"whole", stagetest.Trixie, func() stage.Tool { return newConda("niimath-1.0-h1_0", "libzlib-1.3-h2_1") }},
		{"commands", stagetest.Focal, func() stage.Tool {
			return testkit.With(newConda("niimath-1.0-h1_0"), func(c *Conda) {
				c.Commands, c.Secrets = []string{"niimath"}, []string{"token"}
				c.Prune, c.Keep = []stage.Pattern{"share/doc/*", "*.a"}, []stage.Pattern{"share/doc/licence"}
			})
		}},
	}
}

func condaANTs() *ANTs {
	return testkit.With(newANTs(), func(a *ANTs) { a.Lock = someLock("ants-2.5.4-h1_0", "libitk-5.4.3-h2_0") })
}

func TestCondaPutsItsCommandsOnPath(t *testing.T) {
	t.Parallel()
	for want, commands := range map[string][]string{
		"/opt/niimath/bin":               nil,
		"/opt/niimath/share/niimath/bin": {"niimath"},
	} {
		s := stagetest.Stage(t, testkit.With(newConda("niimath-1.0-h1_0"), func(c *Conda) { c.Commands = commands }), stagetest.Trixie())
		if !slices.Equal(s.Path, []string{want}) {
			t.Errorf("commands %q: path is %q, want %s", commands, s.Path, want)
		}
	}
}

// TestCondaPackagesAreInputsOfTheirOwn: BuildKit fetches them beside each
// other, and the step that installs them sees each as one file of a channel.
func TestCondaPackagesAreInputsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, newConda("b-1.0-h1_0", "a-2.0-h2_1"), stagetest.Trixie())
	if len(s.Inputs) != 2 || s.Inputs[1].At.String() != "locks/some.conda.tsv:3:1" || s.Inputs[1].Pin != "sha256:"+testkit.SHA256 {
		t.Errorf("inputs are %+v", s.Inputs)
	}
	g := llbtest.Read(t, llbtest.End{State: *s.Layer})
	install := g.Find("[niimath] install")
	for _, file := range []string{"a-2.0-h2_1.conda", "b-1.0-h1_0.conda"} {
		m := mountAt(install, "/run/medbuild/channel/linux-64/"+file)
		if m == nil || !m.Readonly || m.Selector != file || install.From[m.Input] != "[niimath] fetch "+file {
			t.Errorf("%s is mounted as %v", file, m)
		}
	}
	if install.GetExec().Network != pb.NetMode_NONE {
		t.Error("packages are installed with a network")
	}
}

func TestCondaOrderOfTheLockDoesNotMatter(t *testing.T) {
	t.Parallel()
	one, two := stagetest.Stage(t, newConda("b-1.0-h1_0", "a-2.0-h2_1"), stagetest.Trixie()), stagetest.Stage(t, newConda("a-2.0-h2_1", "b-1.0-h1_0"), stagetest.Trixie())
	a, b := llbtest.Marshal(t, *one.Layer), llbtest.Marshal(t, *two.Layer)
	if !slices.EqualFunc(a.Def, b.Def, slices.Equal[[]byte]) {
		t.Error("the layer depends on the order of the lock")
	}
}

func TestCondaErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Conda)
		want   []string
	}{
		{"no lock", func(c *Conda) { c.Lock = stage.File{} }, []string{"the component has no lock", "hint: add lock = "}},
		{"bad lock", func(c *Conda) { c.Lock.Content = []byte("x") }, []string{"locks/some.conda.tsv:1: the line has 1 fields, not 3 or 4", "hint: "}},
		{"no licence", func(c *Conda) { c.Licence = "" }, []string{"states no licence", "hint: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			testkit.WantText(t, testkit.With(newConda("niimath-1.0-h1_0"), tt.change).Check(), tt.want...)
		})
	}
}

func TestANTsOfConda(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, condaANTs(), stagetest.Focal())
	if len(s.Inputs) != 2 || s.Prefix != "/opt/ants" {
		t.Errorf("%d inputs at %s", len(s.Inputs), s.Prefix)
	}
	if !slices.Equal(s.Path, []string{"/opt/ants/share/ants/bin"}) || !slices.Equal(s.Env, []string{"ANTSPATH=/opt/ants/share/ants/bin/"}) {
		t.Errorf("path %q, environment %q: the environment's own Python must not be on PATH", s.Path, s.Env)
	}
}

func TestANTsOfCondaErrors(t *testing.T) {
	t.Parallel()
	wantError(t, testkit.With(condaANTs(), func(a *ANTs) { a.Lock = someLock("libitk-5.4.3-h2_0") }), stagetest.Trixie(), "has no package ants", "hint: ")
	wantError(t, testkit.With(condaANTs(), func(a *ANTs) { a.Source.URL = "https://files.example/a.zip" }), stagetest.Trixie(), "a source and a lock", "hint: ")
	wantError(t, testkit.With(condaANTs(), func(a *ANTs) { a.Distribution = true }), stagetest.Trixie(), "takes no prefix, source, lock or commands")
}
