package stages

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

// facts is what a stage says of itself, as golden files hold it.
type facts struct {
	Licence stage.Licence
	Inputs  []llb.Input
	Runtime []string
	Path    []string
	Env     []string
	Version []stage.Question
	Smoke   []stage.Check
}

func TestEveryStageHasGoldenCases(t *testing.T) {
	t.Parallel()
	cases := stageCases()
	for _, k := range All() {
		if len(cases[k.Name]) == 0 {
			t.Errorf("stage %s has no golden case: add one to stageCases", k.Name)
		}
		delete(cases, k.Name)
	}
	for name := range cases {
		t.Errorf("golden cases of %q, which is no stage", name)
	}
}

func TestGoldenStages(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for stage, cases := range stageCases() {
		for _, c := range cases {
			p := part(t, c)
			said := facts{p.Licence, p.Inputs, p.Runtime, p.Path, p.Env, p.Questions, p.Smoke}
			texts[stage+"/"+c.name] = llbtest.Facts("stage", said) + "\n\n" + llbtest.Read(t, ends(p)...).String()
		}
	}
	llbtest.Golden(t, "testdata", texts)
}

func TestStagesMarshalTheSame(t *testing.T) {
	t.Parallel()
	everyStage(t, func(t *testing.T, _ string, c stageCase) {
		llbtest.Stable(t, func() llb.State { return part(t, c).Tested })
		if part(t, c).Layer != nil {
			llbtest.Stable(t, func() llb.State { return *part(t, c).Layer })
		}
	})
}

// A layer's steps know the base that it is
// made on and nothing of the base that it will run on.
func TestLayersDependOnTheBuildBaseAlone(t *testing.T) {
	t.Parallel()
	for _, tool := range []stage.Tool{newMRtrix3("3.0.8"), zipANTs(), newPython()} {
		one, err1 := tool.Stage(stage.Ground{Build: stagetest.Focal(), Run: stagetest.Focal()})
		two, err2 := tool.Stage(stage.Ground{Build: stagetest.Focal(), Run: stagetest.Bookworm()})
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		a, b := llbtest.Marshal(t, *one.Layer), llbtest.Marshal(t, *two.Layer)
		if !slices.EqualFunc(a.Def, b.Def, slices.Equal[[]byte]) {
			t.Errorf("the layer of %s differs with the base that it runs on", tool.Shared().Name)
		}
	}
}

func everyStage(t *testing.T, test func(t *testing.T, file string, c stageCase)) {
	t.Helper()
	for stage, cases := range stageCases() {
		for _, c := range cases {
			file := filepath.Join(stage, c.name)
			t.Run(file, func(t *testing.T) { test(t, file, c) })
		}
	}
}

// part is the case as a part of an image.
func part(t *testing.T, c stageCase) assemble.Part {
	t.Helper()
	return assembled(t, newTarget("case", c.base(), c.tool())).Parts[0]
}

func ends(p assemble.Part) []llbtest.End {
	out := []llbtest.End{{Name: "tested", State: p.Tested}}
	if p.Layer != nil {
		out = slices.Insert(out, 0, llbtest.End{Name: "layer", State: *p.Layer})
	}
	return out
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, k := range All() {
		got, ok := Find(k.Name)
		if !ok || got.Name != k.Name || k.About == "" {
			t.Errorf("stage %q: found %v as %q, about %q", k.Name, ok, got.Name, k.About)
		}
		if one, two := k.Defaults(), k.Defaults(); one == two {
			t.Errorf("stage %s: two components share their settings", k.Name)
		}
	}
	if _, ok := Find("nothing"); ok {
		t.Error("found a stage that is none")
	}
}
