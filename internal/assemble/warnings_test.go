package assemble

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
)

// TestWarningsOfWhatIsLacking: what a package is without, and programs of other
// tools that a listed script calls, unless the image has the tool.
func TestWarningsOfWhatIsLacking(t *testing.T) {
	t.Parallel()
	called := []stage.Called{{By: "dwibiascorrect", Stage: "ants", Programs: []string{"N4BiasFieldCorrection"}}}
	mrtrix3 := Part{Stage: stage.Stage{Common: stage.Common{Name: "mrtrix3", Stage: "mrtrix3"}, Called: called}}
	ants := Part{Stage: stage.Stage{Common: stage.Common{Name: "my-ants", Stage: "ants"}, Lacks: "antsRegistration, which crashes"}}
	for _, tt := range []struct {
		parts   []Part
		want    string
		missing string
	}{
		{[]Part{mrtrix3}, "mrtrix3: dwibiascorrect calls N4BiasFieldCorrection of ants, which the image lacks", ""},
		{[]Part{mrtrix3, ants}, "my-ants is without antsRegistration, which crashes", "dwibiascorrect calls"},
	} {
		got := strings.Join(Image{Parts: tt.parts}.Warnings(), "\n")
		if !strings.Contains(got, tt.want) || tt.missing != "" && strings.Contains(got, tt.missing) {
			t.Errorf("warnings are %q, want %q", got, tt.want)
		}
	}
}

// TestWithoutReachesTheImage: what crashes is left out where the packages are
// installed for the image, and where the component is tested.
func TestWithoutReachesTheImage(t *testing.T) {
	t.Parallel()
	tool := testkit.With(&stages.ANTs{}, func(a *stages.ANTs) {
		a.Common, a.Distribution = stage.Common{Name: "ants", Stage: "ants", Version: "2.5.4"}, true
	})
	script := aptScripts(t, tool)
	for step, text := range script {
		if !strings.Contains(text, "--path-exclude=/usr/lib/ants/antsRegistration ") {
			t.Errorf("%s installs antsRegistration", step)
		}
	}
	if len(script) != 2 {
		t.Errorf("%d steps install packages, want the target's and the component's", len(script))
	}
}

// aptScripts is the scripts that install packages for an image with the tool, by
// the names of their steps.
func aptScripts(t *testing.T, tool stage.Tool) map[string]string {
	t.Helper()
	img, err := newTarget("x", stagetest.Trixie(), tool).Assemble()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, op := range llbtest.Read(t, llbtest.End{State: img.State}).Steps() {
		if e := op.GetExec(); e != nil && strings.Contains(strings.Join(e.Meta.Args, "\n"), "apt-get") {
			out[op.String()[:40]] = strings.Join(e.Meta.Args, "\n")
		}
	}
	return out
}
