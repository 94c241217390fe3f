package stages

import (
	"slices"
	"strings"
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

// TestTwoOfOneStage: two versions of a tool side by side. Each has a layer,
// answers for itself and has a line in the manifest; the first is the one that
// users meet.
func TestTwoOfOneStage(t *testing.T) {
	freesurfer := func(name, version string) Tool {
		return with(newFreeSurfer("recon-all"), func(f *FreeSurfer) {
			f.Name, f.Common.Version, f.Prefix = name, version, "/opt/"+name
			f.Source = Source{URL: "https://files.example/freesurfer-" + version + ".tar.gz", SHA256: someSHA256}
		})
	}
	img := assemble(t, newTarget("both", focal(), freesurfer("freesurfer6", "6.0.0"), freesurfer("freesurfer7", "7.4.1")))
	g := llbtest.Read(t, llbtest.End{Name: "image", State: img.State})
	want := []string{"[both] runtime packages:/", "[freesurfer6] layer", "[freesurfer7] layer", "[manifest] write:/run/medbuild/out", "[base] folders above the components"}
	if got := g.Find("[both] merge layers").From; !slices.Equal(got, want) {
		t.Errorf("merges %q, want %q", got, want)
	}
	for i, name := range []string{"freesurfer6", "freesurfer7"} {
		if keys := keysOf(img.Parts[i].Version); !slices.Equal(keys, []string{strings.ToUpper(name) + "_VERSION"}) {
			t.Errorf("%s answers for %q", name, keys)
		}
		script := g.Find("[" + name + "] test and ask version").GetExec().Meta.Args[3]
		other := []string{"freesurfer7", "freesurfer6"}[i]
		if !strings.Contains(script, "/opt/"+name+"/build-stamp.txt") || strings.Contains(script, other) {
			t.Errorf("%s is asked\n%s", name, script)
		}
	}
	if !slices.Contains(img.Config.Env, "FREESURFER_HOME=/opt/freesurfer6") || slices.Contains(img.Config.Env, "FREESURFER_HOME=/opt/freesurfer7") {
		t.Errorf("environment %q", img.Config.Env)
	}
	if img.Config.Path[0] != "/opt/freesurfer6/bin" {
		t.Errorf("PATH is %q", img.Config.Path)
	}

	_, err := newTarget("both", focal(), freesurfer("freesurfer6", "6.0.0"), newFreeSurfer("full"), newFreeSurfer("synb0")).Assemble()
	wantText(t, err, "freesurfer and freesurfer have the same prefix /opt/freesurfer", "hint: ")
}

func keysOf(questions []Question) []string {
	var out []string
	for _, q := range questions {
		out = append(out, q.Key)
	}
	return out
}

// TestTwoEnvironments: where a component has several lines of its own, its name
// goes before those that the other has too.
func TestTwoEnvironments(t *testing.T) {
	tools := with(newPython("numpy"), func(p *Python) { p.Name, p.Prefix = "tools", "/opt/tools" })
	img := assemble(t, newTarget("both", trixie(), newPython("numpy", "torch"), tools))
	got := [][]string{keysOf(img.Parts[0].Version), keysOf(img.Parts[1].Version)}
	if !slices.Equal(got[0], []string{"PYTHON_VERSION", "NUMPY_VERSION", "PYTORCH_VERSION"}) || !slices.Equal(got[1], []string{"TOOLS_PYTHON_VERSION", "TOOLS_NUMPY_VERSION"}) {
		t.Errorf("answers for %q", got)
	}
}
