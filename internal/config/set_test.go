package config

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/stages"
)

func TestSetStrings(t *testing.T) {
	t.Parallel()
	f := loaded(t, good, "ants.version=3.0", "mrtrix3-new.source.commit="+strings.Repeat("a", 40),
		"components.python.prefix=/opt/py", "image.version=2", "image.labels.\"org.example.a.b\"=c d=e",
		"targets.little.base=trixie", "targets.little.env.N=4", "bases.noble.oci=other")
	m := component[*stages.MRtrix3](t, f, "mrtrix3-new")
	ants, _ := f.Component("ants")
	python, _ := f.Component("python")
	little, _ := f.Target("little")
	noble, _ := f.Base("noble")
	same(t, "version", ants.Shared().Version, "3.0")
	same(t, "place", ants.Shared().At, at(32, 13))
	same(t, "commit", m.Source.Commit, strings.Repeat("a", 40))
	same(t, "address", m.Source.Git, "https://example.org/mrtrix3.git")
	same(t, "prefix", python.Shared().Prefix, "/opt/py")
	same(t, "image", f.Image.Version, "2")
	same(t, "labels", f.Image.Labels["org.example.a.b"], "c d=e")
	same(t, "base", little.Base, "trixie")
	same(t, "environment", little.Env, map[string]string{"N": "4"})
	same(t, "folder", noble.OCI, "other")
}

func TestSetValues(t *testing.T) {
	t.Parallel()
	f := loaded(t, good, "mrtrix3-new.gui=false", "mrtrix3-new.commands=mrinfo, mrcalc", "python.packages=[\"scipy\",\"numpy\"]",
		"targets.production.cmd=", "ants.source={url='https://example.org/a.zip'}", "ants.version=1", "ants.version=2")
	m := component[*stages.MRtrix3](t, f, "mrtrix3-new")
	ants := component[*stages.ANTs](t, f, "ants")
	production, _ := f.Target("production")
	same(t, "gui", m.GUI, false)
	same(t, "commands", m.Commands, []string{"mrinfo", "mrcalc"})
	same(t, "packages", component[*stages.Python](t, f, "python").Packages, []string{"scipy", "numpy"})
	same(t, "cmd", production.Cmd, []string{})
	same(t, "source", ants.Source, stage.Source{URL: "https://example.org/a.zip",
		At: problem.Position{File: "--set ants.source={url='https://example.org/a.zip'}"}})
	same(t, "the last counts", ants.Version, "2")
}

// An override can put a problem of the file right, and changes no order.
func TestSetRepairs(t *testing.T) {
	t.Parallel()
	f := loaded(t, "testdata/incomplete.toml", "ants.version=2.5.4", "ants.distribution=true")
	same(t, "components", len(f.Components), 2)
	same(t, "first", f.Components[0].Shared().Name, "ants")
}

func TestSetProblems(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	for flag, want := range map[string]string{
		"ants.vresion=3":             "--set ants.vresion=3: unknown key \"vresion\"\nhint: did you mean \"version\"?",
		"ant.version=3":              "--set ant.version=3: there is no component \"ant\"\nhint: did you mean \"ants\"?",
		"components.fsl.version=3":   "--set components.fsl.version=3: there is no component \"fsl\"\nhint: the components are python, mrtrix3-new, ants",
		"targets.x.base=trixie":      "--set targets.x.base=trixie: there is no target \"x\"\nhint: the targets are production, little",
		"bases.nobel.tar=x":          "--set bases.nobel.tar=x: there is no base \"nobel\"\nhint: did you mean \"noble\"?",
		"mrtrix3-new.gui=yes":        "--set mrtrix3-new.gui=yes: gui must be true or false, not a string",
		"mrtrix3-new.gui=1":          "--set mrtrix3-new.gui=1: gui must be true or false, not an integer",
		"mrtrix3-new.source.sha=1":   "--set mrtrix3-new.source.sha=1: unknown key \"sha\"\nhint: did you mean \"sha256\"?",
		"mrtrix3-new.sorce.git=1":    "--set mrtrix3-new.sorce.git=1: unknown key \"sorce\"\nhint: did you mean \"source\"?",
		"ants.version.major=2":       "--set ants.version.major=2: version is a string, not a table",
		"ants.version=2;reboot":      "--set ants.version=2;reboot: version must be letters, digits and _ . / + : @ = ~ -, starting with a letter, a digit, _ . or /, not \"2;reboot\"",
		"python.packages=[1]":        "--set python.packages=[1]: an entry of packages must be a string, not an integer",
		"python.packages=['a'":       "--set python.packages=['a': packages must be an array of strings, not a string",
		"ants.source={sha=1}":        "--set ants.source={sha=1}: unknown key \"sha\"\nhint: did you mean \"sha256\"?",
		"ants.source={}\nx=1":        "--set ants.source={}\nx=1: source must be a table, not a string",
		"python.requirements=no":     "--set python.requirements=no: requirements \"no\": there is no such file\nhint: the path is relative to the folder of good.toml",
		"targets.little.base=sid":    "--set targets.little.base=sid: target \"little\": there is no base \"sid\"\nhint: the bases are trixie, noble",
		"ants.stage=itksnap":         "--set ants.stage=itksnap: there is no stage \"itksnap\"\nhint: the stages are " + strings.Join(kindNames(), ", "),
		"ants.source.sha256=" + long: "--set ants.source.sha256=" + long[:61] + "…: sha256 must be 64 hexadecimal digits in lower case, not \"" + long + "\"",
		"ants=3":                     "--set ants=3: names no key\nhint: write component.key=value",
		"image=3":                    "--set image=3: names no key\nhint: write component.key=value",
		"ants.version":               "--set ants.version: is not of the form component.key=value",
		"=3":                         "--set =3: is not of the form component.key=value",
		"":                           "--set : is not of the form component.key=value",
		"a b.c=3":                    "--set a b.c=3: is not of the form component.key=value",
		"a=1\nb.c=3":                 "--set a=1\nb.c=3: names no key\nhint: write component.key=value",
	} {
		_, err := Load(good, []string{flag})
		if err == nil || problem.Text(err) != want {
			t.Errorf("--set %s\ngot  %v\nwant %s", flag, problem.Text(err), want)
		}
	}
}

// Problems of flags come after the file's.
func TestSetProblemsOrder(t *testing.T) {
	t.Parallel()
	_, err := Load("testdata/bad/bases.toml", []string{"z.a=1", "bases.none.tarr=1", "a.a=1"})
	got := err.Error()
	want := []string{"bases.toml:3:8", "bases.toml:11:1", "--set z.a=1", "--set a.a=1", "--set bases.none.tarr=1"}
	for i, last := 0, -1; i < len(want); i++ {
		at := strings.Index(got, want[i])
		if at <= last {
			t.Fatalf("%s is out of place in\n%s", want[i], got)
		}
		last = at
	}
}
