package stages

import (
	"slices"
	"testing"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func TestLayersAreCountedBeforeBuilding(t *testing.T) {
	atRoot := with(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Prefix = "/mrtrix3" })
	tests := []struct {
		name   string
		target Target
		want   int
	}{
		{"no component", newTarget("none", focal()), 32 + 1},
		{"package", newTarget("ants", trixie(), quickANTs()), 1 + 1 + 1 + 1},
		{"zip", newTarget("ants", focal(), zipANTs()), 32 + 1 + 1 + 1},
		{"prefix in the root folder", newTarget("m", trixie(), atRoot), 1 + 1 + 1 + 1 + 1},
		{"accounts on a flat base", runnerTarget(), 1 + 1 + 1 + 1 + 1 + 1},
		{"production", targetCases()["production"](), 1 + 1 + 1 + 2 + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img := assemble(t, tt.target)
			if got := img.Layers(); got != tt.want {
				t.Errorf("%d layers, want %d", got, tt.want)
			}
			g := llbtest.Read(t, llbtest.End{Name: "image", State: img.State})
			if merged := len(g.Find(g.Ends["image"]).From) - 1; merged != tt.want-tt.target.Run.Layers-boolToInt(img.Apt)-boolToInt(img.Users) {
				t.Errorf("merges %d layers over its root", merged)
			}
		})
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFoldersAboveComeLast(t *testing.T) {
	g := llbtest.Read(t, llbtest.End{Name: "image", State: assemble(t, jupyterTarget()).State})
	want := []string{"[jupyter] runtime packages:/", "[mrtrix3] layer", "[ants] layer", "[manifest] write:/run/medbuild/out", "[base] folders above the components"}
	if got := g.Find("[jupyter] merge layers").From; !slices.Equal(got, want) {
		t.Errorf("merges %q, want %q", got, want)
	}
}

// TestComponentsAreAskedAlone: a change of one component asks no other.
func TestComponentsAreAskedAlone(t *testing.T) {
	for _, p := range assemble(t, targetCases()["production"]()).Parts {
		g := llbtest.Read(t, llbtest.End{State: p.Asked})
		for _, other := range []string{"mrtrix3", "ants", "python"} {
			if op := g.Find("[" + other + "] test and ask version"); (op != nil) != (other == p.Name) {
				t.Errorf("asking %s asks %s", p.Name, other)
			}
		}
	}
}

func TestTargetConfig(t *testing.T) {
	target := newTarget("t", trixie(), newMRtrix3("3.0.8"), zipANTs())
	target.Config = llb.Config{Path: []string{"/mine"}, Env: []string{"ANTSPATH=/elsewhere", "X=1"}, User: "me"}
	got := assemble(t, target).Config
	if want := []string{"/mine", "/opt/mrtrix3/bin", "/opt/ants/bin"}; !slices.Equal(got.Path, want) {
		t.Errorf("path is %q, want %q", got.Path, want)
	}
	if want := []string{"ANTSPATH=/elsewhere", "X=1"}; !slices.Equal(got.Env, want) {
		t.Errorf("environment is %q, want %q", got.Env, want)
	}
	if got.User != "me" {
		t.Errorf("user is %q", got.User)
	}
}

func TestTargetErrorsNameThePlace(t *testing.T) {
	at := llb.Position{File: "components.toml", Line: 7, Col: 1}
	m := with(newMRtrix3("9.9"), func(m *MRtrix3) { m.At = at })
	_, err := newTarget("t", trixie(), m).Assemble()
	wantText(t, err, "components.toml:7:1: mrtrix3: ", "not pinned")

	a, b := newMRtrix3("3.0.8"), with(newMRtrix3("3.0.5"), func(m *MRtrix3) { m.Name, m.At = "older", at })
	_, err = newTarget("t", trixie(), a, b).Assemble()
	wantText(t, err, "components.toml:7:1", "mrtrix3 and older have the same prefix /opt/mrtrix3", "hint:")
}

func TestFind(t *testing.T) {
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
