package solve

import (
	"slices"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/moby/buildkit/client"
	bk "github.com/moby/buildkit/client/llb"
)

// everyOwner is steps of all that steps belong to, all of one name.
func everyOwner() []llb.Step {
	on := llb.Image("debian")
	return []llb.Step{
		{Owner: llb.OfBase, Component: "base", Action: "flatten", On: on, Script: "1"},
		{Owner: llb.OfManifest, Component: "base", Action: "write", On: on, Script: "2"},
		{Owner: llb.OfTarget, Component: "base", Action: "runtime packages", On: on, Script: "3"},
		{Component: "base", Action: "compile", On: on, Script: "4"},
	}
}

// together is a graph of the steps.
func together(t *testing.T, steps []llb.Step) *bk.Definition {
	t.Helper()
	var all []llb.State
	for _, s := range steps {
		all = append(all, s.Root())
	}
	def, err := Definition(t.Context(), llb.Merge(llb.Operation{Owner: llb.OfTarget, Component: "base", Action: "merge layers"}, all...), "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	return def
}

// A component may have the name of another sort of thing: no step of that runs
// again for it.
func TestNoCacheMeansComponents(t *testing.T) {
	t.Parallel()
	def := together(t, everyOwner())
	NoCache{Components: []string{"base"}}.apply(def)
	var again []string
	for _, meta := range def.Metadata {
		if meta.IgnoreCache {
			again = append(again, llb.OperationOf(meta.Description).Action)
		}
	}
	if !slices.Equal(again, []string{"compile"}) {
		t.Errorf("%q run again, want the component's steps alone", again)
	}
}

// The record tells components and other things of one name apart, and knows of a
// step that is a target's and a component's.
func TestRecordKnowsOwners(t *testing.T) {
	t.Parallel()
	r := NewRecord()
	steps := everyOwner()
	r.Expect(together(t, steps))
	both := steps[2]
	both.Owner = llb.OfComponent
	r.Expect(together(t, []llb.Step{both}))
	from := time.Unix(1, 0)
	for d, all := range r.of {
		to := from.Add(time.Second)
		if slices.ContainsFunc(all, func(o llb.Operation) bool { return o.Action == "compile" }) {
			to = from.Add(5 * time.Second)
		}
		r.Add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Name: "any", Started: &from, Completed: &to}}})
	}
	packages := llb.Operation{Owner: llb.OfTarget, Component: "base", Action: "runtime packages"}
	for _, tt := range []struct {
		work Work
		want time.Duration
	}{
		{r.Of(llb.Operation{Owner: llb.OfBase, Component: "base"}), time.Second},
		{r.Of(llb.Operation{Owner: llb.OfManifest, Component: "base"}), time.Second},
		{r.Of(packages), time.Second},
		{r.Of(llb.Operation{Owner: llb.OfComponent, Component: "base"}), 5 * time.Second},
		{r.Of(llb.Operation{Owner: llb.OfComponent, Component: "base", Action: "runtime packages"}), time.Second},
		{r.Of(llb.Operation{Owner: llb.OfComponent, Component: "base", Action: "runtime packages"}, packages), 0},
		{r.Of(llb.Operation{Owner: llb.OfComponent, Component: "any"}), 0},
	} {
		if tt.work.Time != tt.want {
			t.Errorf("%v of work, want %v", tt.work.Time, tt.want)
		}
	}
}

func TestWhereAStepIsFrom(t *testing.T) {
	t.Parallel()
	target, component := problem.Position{File: "f", Line: 1, Col: 1}, problem.Position{File: "f", Line: 2, Col: 1}
	img := assemble.Image{Name: "base", At: target, Parts: []assemble.Part{{Stage: stage.Stage{Common: stage.Common{Name: "base", At: component}}}}}
	for owner, want := range map[llb.Owner]problem.Position{
		llb.OfComponent: component, llb.OfTarget: component, llb.OfBase: {}, llb.OfManifest: {},
	} {
		of := llb.Operation{Owner: owner, Component: "base", Action: "x"}
		if o := In(img)(of, "", ""); o.At != want || o.Subject != "base" {
			t.Errorf("%s of %s is from %q, want %q", of.Name(), owner, o.At, want)
		}
	}
	img.Parts = nil
	if o := In(img)(llb.Operation{Owner: llb.OfTarget, Component: "base"}, "", ""); o.At != target {
		t.Errorf("the target's step is from %q", o.At)
	}
}
