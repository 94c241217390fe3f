package stages

import (
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func TestANTsOfTheDistribution(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, quickANTs(), stagetest.Trixie())
	if s.Layer != nil || len(s.Inputs) != 0 {
		t.Error("the distribution's ANTs has a layer or inputs")
	}
	if !slices.Equal(s.Runtime, []string{"ants"}) || !slices.Equal(s.Path, []string{"/usr/lib/ants"}) || !slices.Equal(s.Env, []string{"ANTSPATH=/usr/lib/ants/"}) {
		t.Errorf("packages %q, path %q, environment %q", s.Runtime, s.Path, s.Env)
	}
}

// TestANTsLeavesOutWhatCrashes: of the distribution's ANTs the image gets none of
// the programs that crash and none of the scripts that call them, nothing asks or
// starts one, and it is said.
func TestANTsLeavesOutWhatCrashes(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, quickANTs(), stagetest.Trixie())
	for _, name := range []string{"ANTS", "WarpImageMultiTransform", "antsAI", "antsApplyTransforms", "antsRegistration", "antsRegistrationSyNQuick.sh"} {
		if !slices.Contains(s.Without, "/usr/lib/ants/"+name) {
			t.Errorf("%s is not left out", name)
		}
		if quickANTs().(*ANTs).Serves([]string{name}) == nil {
			t.Errorf("%s is promised", name)
		}
		for _, c := range append(s.Smoke, stage.Check{Command: s.Questions[0].Command}) {
			if slices.Contains(strings.Fields(c.Command), name) {
				t.Errorf("%q starts it", c.Command)
			}
		}
	}
	if !strings.HasPrefix(s.Lacks, "ANTS, WarpImageMultiTransform, antsAI, antsApplyTransforms, antsRegistration and the scripts") {
		t.Errorf("says %q", s.Lacks)
	}
	if z := stagetest.Stage(t, zipANTs(), stagetest.Focal()); z.Lacks != "" || len(z.Without) > 0 {
		t.Errorf("a release lacks %q, without %q", z.Lacks, z.Without)
	}
}

func TestANTsOfAZip(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, zipANTs(), stagetest.Focal())
	if s.Layer == nil || len(s.Runtime) != 0 {
		t.Errorf("a layer: %v, packages %q", s.Layer != nil, s.Runtime)
	}
	if !slices.Equal(s.Path, []string{"/opt/ants/bin"}) || !slices.Equal(s.Env, []string{"ANTSPATH=/opt/ants/bin/"}) {
		t.Errorf("path %q, environment %q", s.Path, s.Env)
	}
	g := llbtest.Read(t, llbtest.End{State: *s.Layer})
	if script := g.Find("[ants] unpack").GetExec().Meta.Args[3]; !strings.Contains(script, "-x '*.a'") {
		t.Errorf("the script keeps static libraries:\n%s", script)
	}
}

// TestANTsPrefix: the stage has a prefix of its own for a zip and leaves the
// settings as they are.
func TestANTsPrefix(t *testing.T) {
	t.Parallel()
	a := testkit.With(zipANTs(), func(a *ANTs) { a.Prefix = "" })
	if got := stagetest.Stage(t, a, stagetest.Focal()).Prefix; got != "/opt/ants" {
		t.Errorf("prefix is %q", got)
	}
	if a.Prefix != "" {
		t.Errorf("the settings' prefix became %q", a.Prefix)
	}
}

func TestANTsErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*ANTs)
		on     stage.Base
		want   []string
	}{
		{"no package", func(a *ANTs) { a.Distribution = true }, stagetest.Focal(), []string{"no package of ANTs is known for ubuntu-20.04", "hint: use a release zip"}},
		{"prefix of a package", func(a *ANTs) { a.Distribution, a.Prefix = true, "/opt/ants" }, stagetest.Trixie(), []string{"takes no prefix", "/usr/lib/ants"}},
		{"source of a package", func(a *ANTs) { a.Distribution, a.Source.URL = true, "https://files.example/a.zip" }, stagetest.Trixie(), []string{"takes no prefix, source"}},
		{"commands of a package", func(a *ANTs) { a.Distribution, a.Commands = true, []string{"ANTS"} }, stagetest.Trixie(), []string{"lock or commands"}},
		{"no source", func(a *ANTs) { a.Prefix = "/opt/ants" }, stagetest.Trixie(), []string{"neither a release zip as its source nor a lock", "hint: add one of them", "distribution = true"}},
		{"git", func(a *ANTs) {
			a.Prefix, a.Source = "/opt/ants", stage.Source{Git: "https://git.example/ANTs.git", Commit: testkit.Commit}
		}, stagetest.Trixie(), []string{"neither a release zip as its source nor a lock", "hint: add one of them"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, testkit.With(newANTs(), tt.change), tt.on, tt.want...) })
	}
}

func TestANTsAsksAProgram(t *testing.T) {
	t.Parallel()
	for want, commands := range map[string][]string{
		"antsRegistration": nil,
		"N4":               {"a.sh", "N4", "b"},
	} {
		if got := testkit.With(newANTs(), func(a *ANTs) { a.Commands = commands }).asked(); got != want {
			t.Errorf("%q: asks %s, want %s", commands, got, want)
		}
	}
	if got := testkit.With(newANTs(), func(a *ANTs) { a.Commands = []string{"N4", "antsRegistration"} }).asked(); got != "antsRegistration" {
		t.Errorf("asks %s", got)
	}
}
