package plan_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
)

// called is mrtrix3 under another name, from a source of its own.
func called(name string) stage.Tool {
	m := mrtrix3().(*stages.MRtrix3)
	m.Name, m.Prefix = name, "/opt/"+name
	m.Source.URL = "https://example.org/" + name + ".tar.gz"
	return m
}

// stepsOf is the actions of an owner's steps, without the helpers.
func stepsOf(p *plan.Plan, owner, component string) []string {
	var out []string
	for _, s := range p.Steps {
		if s.Owner == owner && s.Component == component && strings.HasPrefix(s.Name, "["+component+"] ") {
			out = append(out, s.Action())
		}
	}
	return out
}

// TestNamesTellNothing: components can be called as other things of an image
// are, and as the target.
func TestNamesTellNothing(t *testing.T) {
	t.Parallel()
	p := planned(t, assembled(t, "base", debian(3), called("base"), called("manifest"), called("internal")))
	component := func(name string) []string {
		return []string{"compiler", "fetch " + name + ".tar.gz", "compile", "layer", "runtime packages", "beside its base", "test"}
	}
	for _, tt := range []struct {
		owner, name string
		want        []string
	}{
		{"base", "base", []string{"registry.example/debian@sha256:" + digits}},
		{"manifest", "manifest", []string{"write"}},
		{"target", "base", []string{"folders above the components", "merge layers"}},
		{"component", "base", component("base")},
		{"component", "manifest", component("manifest")},
		{"component", "internal", component("internal")},
	} {
		got := stepsOf(p, tt.owner, tt.name)
		slices.Sort(got)
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s %s has the steps %q, want %q", tt.owner, tt.name, got, tt.want)
		}
	}
}

// The text has each step where it belongs, whatever the target is called.
func TestTextOfOneComponent(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := planned(t, assembled(t, "mrtrix3", debian(3), mrtrix3())).Text(&b); err != nil {
		t.Fatal(err)
	}
	_, image, _ := strings.Cut(b.String(), "\n  image\n")
	for _, want := range []string{"[manifest] write", "[mrtrix3] folders above the components", "[mrtrix3] merge layers"} {
		if strings.Count(b.String(), want) != 1 || !strings.Contains(image, want) {
			t.Errorf("%q is not under the image alone:\n%s", want, b.String())
		}
	}
	if strings.Contains(image, "compile") {
		t.Errorf("the component's steps are under the image:\n%s", b.String())
	}
}
