package config

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/stages"
)

const good = "testdata/good.toml"

func loaded(t *testing.T, path string, set ...string) *File {
	t.Helper()
	f, err := Load(path, set)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func component[T stage.Tool](t *testing.T, f *File, name string) T {
	t.Helper()
	c, ok := f.Component(name)
	if !ok {
		t.Fatalf("no component %s", name)
	}
	tool, ok := c.(T)
	if !ok {
		t.Fatalf("component %s is a %T", name, c)
	}
	return tool
}

func at(line, col int) problem.Position { return problem.Position{File: good, Line: line, Col: col} }

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\ngot  %+v\nwant %+v", what, got, want)
	}
}

func TestLoadImage(t *testing.T) {
	t.Parallel()
	f := loaded(t, good)
	same(t, "image", f.Image, Image{At: at(41, 2), Name: "medbuild/quickstart", Version: "0.1.0",
		Labels: map[string]string{"org.opencontainers.image.title": "a title"}})
	same(t, "bases", f.Bases, []stage.BaseSettings{
		{Name: "trixie", At: at(36, 8), Tar: "../trixie.tar"}, {Name: "noble", At: at(38, 8), OCI: "noble"}})
	same(t, "folder", f.Dir(), "testdata")
}

func TestLoadTargets(t *testing.T) {
	t.Parallel()
	f := loaded(t, good)
	same(t, "targets", f.Targets, []Target{{
		Name: "production", At: at(2, 10), Base: "trixie", Components: []string{"python", "mrtrix3-new"},
		ImageName: "registry.example.org:5000/lab/image", Labels: map[string]string{"org.example.a": "1"},
		Env: map[string]string{"A": "1", "B": "2"}, Path: []string{"/opt/scripts"},
		Entrypoint: []string{"/bin/sh", "-c"}, Cmd: []string{}, WorkingDir: "/data", User: "1000:100",
	}, {Name: "little", At: at(14, 10), Base: "noble"}})
}

func TestLoadComponents(t *testing.T) {
	t.Parallel()
	f := loaded(t, good)
	var names []string
	for _, c := range f.Components {
		names = append(names, c.Shared().Name)
	}
	same(t, "order", names, []string{"python", "mrtrix3-new", "ants"})

	m := component[*stages.MRtrix3](t, f, "mrtrix3-new")
	same(t, "keys", m.Keys["commands[0]"], at(26, 13))
	m.Keys = nil
	same(t, "common", m.Common, stage.Common{Name: "mrtrix3-new", At: at(22, 13), Stage: "mrtrix3", Version: "3.0.8", Prefix: "/opt/new"})
	same(t, "source", m.Source, stage.Source{At: at(28, 25), Git: "https://example.org/mrtrix3.git",
		Commit: "0123456789abcdef0123456789abcdef01234567"})
	same(t, "commands", m.Commands, []string{"mrinfo"})
	same(t, "gui", m.GUI, true)
}

// What the file leaves out is as the stage's defaults have it, and a file that
// it names is read.
func TestLoadDefaultsAndFiles(t *testing.T) {
	t.Parallel()
	f := loaded(t, good)
	p := component[*stages.Python](t, f, "python")
	kind, _ := stages.Find("python")
	defaults := kind.Defaults().(*stages.Python)
	same(t, "interpreter", p.Interpreter, defaults.Interpreter)
	same(t, "prefix", p.Prefix, defaults.Prefix)
	content, err := os.ReadFile("testdata/bad/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "requirements", p.Requirements, stage.File{At: at(19, 1), Path: "bad/requirements.txt", Content: content})
}

func TestLookups(t *testing.T) {
	t.Parallel()
	f := loaded(t, good)
	if b, ok := f.Base("noble"); !ok || b.OCI != "noble" {
		t.Errorf("base: %+v, %v", b, ok)
	}
	if x, ok := f.Target("little"); !ok || x.Base != "noble" {
		t.Errorf("target: %+v, %v", x, ok)
	}
	_, base := f.Base("little")
	_, component := f.Component("noble")
	_, target := f.Target("ants")
	if base || component || target {
		t.Error("found what is not there")
	}
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "components.toml")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	want := &File{Path: path}
	want.index()
	want.keep(problems{})
	same(t, "file", loaded(t, path), want)
}

func TestExamplesLoad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/*/components.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, path := range files {
		if f := loaded(t, path); len(f.Targets) == 0 {
			t.Errorf("%s has no target", path)
		}
	}
}

// caller is a tool that calls commands of another at run time.
type caller struct{ stages.ANTs }

func (caller) Needs() []string { return []string{"mrtrix3", "python"} }

func TestNeeds(t *testing.T) {
	t.Parallel()
	l := loader{files: disk{}, path: good}
	text, err := os.ReadFile(good)
	if err != nil || !l.parse(text) {
		t.Fatal(err, l.problems)
	}
	f := l.file()
	c := &caller{}
	c.Name, c.Version = "caller", "1"
	f.Components = append(f.Components[1:], c) // without python
	f.index()
	target := Target{Name: "production", Components: []string{"caller", "mrtrix3-new"}}
	l.checkNeeds(f, target, l.root.sub("targets").sub("production").sub("components"))
	same(t, "python", problem.Text(l.problems.err()), good+`:4:15: target "production": caller calls commands of python, which the target lacks`+"\n"+`hint: add a component of stage "python"`)

	l.problems = problems{}
	target.Components = []string{"pyton", "caller"} // misspelt, so not lacking
	f.Components = append(f.Components, loaded(t, good).Components[0])
	f.index()
	l.checkNeeds(f, target, nil)
	same(t, "mrtrix3", problem.Text(l.problems.err()), `target "production": caller calls commands of mrtrix3, which the target lacks`+"\n"+`hint: add "mrtrix3-new" to its components`)
}

// A target that names an oSPARC service has its name and its labels.
func TestOsparc(t *testing.T) {
	t.Parallel()
	f := loaded(t, "../../examples/osparc/components.toml")
	for target, key := range map[string]string{
		"production":  "simcore/services/dynamic/jupyter-medimproc",
		"runner":      "simcore/services/comp/runner-medimproc",
		"runner-slim": "simcore/services/comp/runner-medimproc-slim",
	} {
		got, _ := f.Target(target)
		same(t, "name", got.ImageName, key)
		same(t, "key", got.Osparc.Labels["io.simcore.key"], `{"key":"`+key+`"}`)
		same(t, "version", got.Osparc.Version, f.Image.Version)
		same(t, "policy", got.Osparc.Labels["simcore.service.restart-policy"], "no-restart")
	}
}
