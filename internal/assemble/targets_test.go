package assemble

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func TestLayersAreCountedBeforeBuilding(t *testing.T) {
	t.Parallel()
	atRoot := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Prefix = "/mrtrix3" })
	tests := []struct {
		name   string
		target Target
		want   int
	}{
		{"no component", newTarget("none", stagetest.Focal()), 32 + 1},
		{"package", newTarget("ants", stagetest.Trixie(), quickANTs()), 1 + 1 + 1 + 1},
		{"zip", newTarget("ants", stagetest.Focal(), zipANTs()), 32 + 1 + 1 + 1},
		{"prefix in the root folder", newTarget("m", stagetest.Trixie(), atRoot), 1 + 1 + 1 + 1 + 1},
		{"accounts on a flat base", runnerTarget(), 1 + 1 + 1 + 1 + 1 + 1},
		{"production", targetCases()["production"](), 1 + 1 + 1 + 2 + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img := assembled(t, tt.target)
			if got := img.LayerCount(); got != tt.want {
				t.Errorf("%d layers, want %d", got, tt.want)
			}
			g := llbtest.Read(t, llbtest.End{Name: "image", State: img.State})
			inRoot := tt.target.Run.Layers + len(ofKind(img, PackageLayer)) + len(ofKind(img, AccountLayer))
			if merged := len(g.Find(g.Ends["image"]).From) - 1; merged != tt.want-inRoot {
				t.Errorf("merges %d layers over its root", merged)
			}
		})
	}
}

func ofKind(img Image, kind LayerKind) []Layer {
	return slices.DeleteFunc(slices.Clone(img.Layers), func(l Layer) bool { return l.Kind != kind })
}

// TestLayersAreInOrder: every list of an image's layers is made from this one.
func TestLayersAreInOrder(t *testing.T) {
	t.Parallel()
	want := []Layer{
		{Kind: BaseLayer, Name: "base", What: "trixie", Line: "base trixie.tar", Count: 1},
		{Kind: PackageLayer, Name: "packages", What: "distribution packages", Line: "runtime packages", Count: 1},
		{Kind: AccountLayer, Name: "accounts", What: "users of the image", Line: "accounts", Count: 1},
		{Kind: ComponentLayer, Name: "ants", What: "among the packages", Line: "ants 2.5.4"},
		{Kind: ComponentLayer, Name: "scripts", What: "/opt/scripts", Line: "scripts 1.2.3", Count: 1},
		{Kind: ManifestLayer, Name: "manifest", What: ManifestPath, Line: "version manifest", Count: 1},
		{Kind: FolderLayer, Name: "folders", What: "folders above the prefixes", Line: "folders above the components", Count: 1},
	}
	got := assembled(t, runnerTarget()).Layers
	for i := range got {
		got[i].Steps, got[i].State = llb.Operation{}, llb.State{}
	}
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("layers\n%s\nwant\n%s", g, w)
	}
}

// TestLayersNameTheirSteps: what a layer says makes it, its last step is.
func TestLayersNameTheirSteps(t *testing.T) {
	t.Parallel()
	for name, target := range targetCases() {
		for _, l := range assembled(t, target()).Layers {
			if l.Count == 0 {
				continue
			}
			ops := llbtest.Read(t, llbtest.End{State: l.State}).Ops
			if of := llb.OperationOf(ops[len(ops)-1].Metadata.Description); !of.Within(l.Steps) {
				t.Errorf("%s: layer %s is made by %+v, not by %+v", name, l.Name, of, l.Steps)
			}
		}
	}
}

func TestFoldersAboveComeLast(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{Name: "image", State: assembled(t, jupyterTarget()).State})
	want := []string{"[jupyter] runtime packages:/", "[mrtrix3] layer", "[ants] layer", "[manifest] write:/run/medbuild/out", "[jupyter] folders above the components"}
	if got := g.Find("[jupyter] merge layers").From; !slices.Equal(got, want) {
		t.Errorf("merges %q, want %q", got, want)
	}
}

// TestComponentsAreTestedInIsolation: a change of one component tests no other.
func TestComponentsAreTestedInIsolation(t *testing.T) {
	t.Parallel()
	for _, p := range assembled(t, targetCases()["production"]()).Parts {
		g := llbtest.Read(t, llbtest.End{State: p.Tested})
		for _, other := range []string{"mrtrix3", "ants", "python"} {
			if op := g.Find("[" + other + "] test"); (op != nil) != (other == p.Name) {
				t.Errorf("asking %s asks %s", p.Name, other)
			}
		}
	}
}

func TestTargetConfig(t *testing.T) {
	t.Parallel()
	target := newTarget("t", stagetest.Trixie(), newMRtrix3("3.0.8"), zipANTs())
	target.Config = llb.Config{Path: []string{"/mine"}, Env: []string{"ANTSPATH=/elsewhere", "X=1"}, User: "me"}
	got := assembled(t, target).Config
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
	t.Parallel()
	at := problem.Position{File: "components.toml", Line: 7, Col: 1}
	m := testkit.With(newMRtrix3("9.9"), func(m *stages.MRtrix3) { m.At = at })
	_, err := newTarget("t", stagetest.Trixie(), m).Assemble()
	testkit.WantText(t, err, "components.toml:7:1: mrtrix3: ", "not pinned")

	a, b := newMRtrix3("3.0.8"), testkit.With(newMRtrix3("3.0.5"), func(m *stages.MRtrix3) { m.Name, m.At = "older", at })
	_, err = newTarget("t", stagetest.Trixie(), a, b).Assemble()
	testkit.WantText(t, err, "components.toml:7:1", "mrtrix3 and older have the same prefix /opt/mrtrix3", "hint:")
}

// TestTwoOfOneStage: two versions of a tool side by side. Each has a layer,
// answers for itself and has a line in the manifest; the first is the one that
// users meet.
func TestTwoOfOneStage(t *testing.T) {
	t.Parallel()
	freesurfer := func(name, version string) stage.Tool {
		return testkit.With(newFreeSurfer("recon-all"), func(f *stages.FreeSurfer) {
			f.Name, f.Version, f.Prefix = name, version, "/opt/"+name
			f.Source = stage.Source{URL: "https://files.example/freesurfer-" + version + ".tar.gz", SHA256: testkit.SHA256}
		})
	}
	img := assembled(t, newTarget("both", stagetest.Focal(), freesurfer("freesurfer6", "6.0.0"), freesurfer("freesurfer7", "7.4.1")))
	g := llbtest.Read(t, llbtest.End{Name: "image", State: img.State})
	want := []string{"[both] runtime packages:/", "[freesurfer6] layer", "[freesurfer7] layer", "[manifest] write:/run/medbuild/out", "[both] folders above the components"}
	if got := g.Find("[both] merge layers").From; !slices.Equal(got, want) {
		t.Errorf("merges %q, want %q", got, want)
	}
	for i, name := range []string{"freesurfer6", "freesurfer7"} {
		if keys := keysOf(img.Parts[i].Questions); !slices.Equal(keys, []string{strings.ToUpper(name) + "_VERSION"}) {
			t.Errorf("%s answers for %q", name, keys)
		}
		script := g.Find("[" + name + "] test").GetExec().Meta.Args[3]
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

	_, err := newTarget("both", stagetest.Focal(), freesurfer("freesurfer6", "6.0.0"), newFreeSurfer("full"), newFreeSurfer("synb0")).Assemble()
	testkit.WantText(t, err, "freesurfer and freesurfer have the same prefix /opt/freesurfer", "hint: ")
}

func keysOf(questions []stage.Question) []string {
	var out []string
	for _, q := range questions {
		out = append(out, q.Key)
	}
	return out
}

// TestTwoEnvironments: where a component has several lines of its own, its name
// goes before those that the other has too.
func TestTwoEnvironments(t *testing.T) {
	t.Parallel()
	tools := testkit.With(newPython("numpy"), func(p *stages.Python) { p.Name, p.Prefix = "tools", "/opt/tools" })
	img := assembled(t, newTarget("both", stagetest.Trixie(), newPython("numpy", "torch"), tools))
	got := [][]string{keysOf(img.Parts[0].Questions), keysOf(img.Parts[1].Questions)}
	if !slices.Equal(got[0], []string{"PYTHON_VERSION", "NUMPY_VERSION", "PYTORCH_VERSION"}) || !slices.Equal(got[1], []string{"TOOLS_PYTHON_VERSION", "TOOLS_NUMPY_VERSION"}) {
		t.Errorf("answers for %q", got)
	}
}

func TestTargetRefusesPrefixBelowALink(t *testing.T) {
	t.Parallel()
	m := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Prefix = "/bin/mrtrix3" })
	_, err := newTarget("t", stagetest.Trixie(), m).Assemble()
	testkit.WantText(t, err, "mrtrix3", "/bin/mrtrix3 passes through /bin", "usr/bin")
}

func TestGoldenTargets(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for name, target := range targetCases() {
		img := assembled(t, target())
		said := struct {
			Layers int
			Apt    bool
		}{img.LayerCount(), len(ofKind(img, PackageLayer)) > 0}
		graph := llbtest.Read(t, llbtest.End{Name: "image", State: img.State})
		texts[name] = llbtest.Facts("image", said) + "\n\n" + llbtest.Facts("config", img.Config) + "\n\n" + graph.String()
	}
	llbtest.Golden(t, "testdata", texts)
}

func TestTargetsMarshalTheSame(t *testing.T) {
	t.Parallel()
	for name, target := range targetCases() {
		t.Run(name, func(t *testing.T) {
			llbtest.Stable(t, func() llb.State { return assembled(t, target()).State })
		})
	}
}

// TestFilesAnywhere: the folders above each file are given back as the base has
// them, and no file may replace a link.
func TestFilesAnywhere(t *testing.T) {
	t.Parallel()
	f := testkit.With(newFiles(), func(f *stages.Files) { f.Files[1].To = "/etc/tool/notes" })
	s := stagetest.Stage(t, f, stagetest.Trixie())
	if want := []string{"/opt/scripts", "/etc/tool/notes"}; !slices.Equal(s.Holds(), want) {
		t.Errorf("places %q, want %q", s.Holds(), want)
	}
	img := assembled(t, newTarget("x", stagetest.Trixie(), f))
	g := llbtest.Read(t, llbtest.End{State: img.State})
	got := g.Find("[x] folders above the components").GetFile().Actions[0].GetCopy().IncludePatterns
	if want := []string{"opt", "etc", "etc/tool"}; !slices.Equal(got, want) {
		t.Errorf("folders %q, want %q", got, want)
	}
	f.Files[1].To = "/bin/tool"
	_, err := newTarget("x", stagetest.Trixie(), f).Assemble()
	testkit.WantText(t, err, "/bin/tool passes through /bin, which is a symbolic link to usr/bin")
}

// TestFilesInTheWay: a file that lies in another component's prefix, or where
// another file does, would be in one image's two layers.
func TestFilesInTheWay(t *testing.T) {
	t.Parallel()
	alone := func(name, to string) *stages.Files {
		return testkit.With(newFiles(), func(f *stages.Files) {
			f.Name, f.Prefix, f.Smoke, f.Files = name, "", nil, f.Files[:1]
			f.Files[0].To = to
		})
	}
	assembled(t, newTarget("x", stagetest.Trixie(), zipANTs(), alone("one", "/etc/a"), alone("two", "/etc/b")))
	_, err := newTarget("x", stagetest.Trixie(), zipANTs(), alone("one", "/opt/ants/bin/x")).Assemble()
	testkit.WantText(t, err, "ants and one both write /opt/ants/bin/x")
	_, err = newTarget("x", stagetest.Trixie(), alone("one", "/etc/a"), alone("two", "/etc/a")).Assemble()
	testkit.WantText(t, err, "one and two both write /etc/a")
}

// TestInputsAreNamed: who asks what is in an image gets a name and a version of
// each thing that it is made from.
func TestInputsAreNamed(t *testing.T) {
	t.Parallel()
	for name, target := range targetCases() {
		for _, p := range assembled(t, target()).Parts {
			for _, in := range p.Inputs {
				if in.Name == "" || in.Version == "" {
					t.Errorf("%s: input %s of %s is %q %q", name, in.Address, p.Name, in.Name, in.Version)
				}
			}
		}
	}
}
