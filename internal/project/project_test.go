package project

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// known is bases that need not be asked.
type known map[string]stage.Base

func (k known) Base(_ context.Context, s stage.BaseSettings) (stage.Base, error) {
	if b, ok := k[s.Name]; ok {
		return b, nil
	}
	return stage.Base{}, errors.New("nobody knows base " + s.Name)
}

func (k known) Known(s stage.BaseSettings) (stage.Base, bool, error) {
	b, ok := k[s.Name]
	return b, ok, nil
}

// release is a base of a distribution's release.
func release(name, distribution, version, libc string) stage.Base {
	reference := "registry.example/" + name + "@sha256:" + strings.Repeat("5a", 32)
	return stage.Base{Name: name, Reference: reference, Root: llb.Image(reference),
		Facts: stage.Facts{Digest: "sha256:" + strings.Repeat("5a", 32), Distribution: distribution, Release: version, Libc: libc, Layers: 1}}
}

func somewhere() known {
	return known{"trixie": release("trixie", "debian", "13", "2.41"), "focal": release("focal", "ubuntu", "20.04", "2.31")}
}

// opened reads a file of this machine, which has no problems.
func opened(t *testing.T, path string, overrides ...string) *Project {
	t.Helper()
	p, err := Open(path, overrides)
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	return p
}

// read reads a file of that content, which has no problems.
func read(t *testing.T, content string) *Project {
	t.Helper()
	p, err := Read(fstest.MapFS{"components.toml": {Data: []byte(content)}}, "components.toml", nil)
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	return p
}

// picked is the targets of those names.
func picked(t *testing.T, p *Project, names ...string) []Target {
	t.Helper()
	targets, err := p.Select(names)
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	return targets
}

// refuses wants an error of a class with texts in it.
func refuses(t *testing.T, err error, class problem.Class, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", want)
		return
	}
	if got := problem.ClassOf(err); got != class {
		t.Errorf("%v has class %d, want %d", err, got, class)
	}
	for _, text := range want {
		if !strings.Contains(problem.Text(err), text) {
			t.Errorf("nothing of %q in\n%s", text, problem.Text(err))
		}
	}
}

const python = `
[components.python]
version = "3.13"
requirements = "../locks/python.txt"
packages = ["numpy"]
`

// A project is read from any file system, with what lies beside its folder.
func TestRead(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"service/components.toml": {Data: []byte(image + bases + python + "[targets.all]\nbase = \"trixie\"\ncomponents = [\"python\"]\n")},
		"locks/python.txt":        {Data: []byte("numpy==2.1.0 --hash=sha256:" + digits + "\n")},
	}
	p, err := Read(files, "service/components.toml", []string{"image.version=1.3"})
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	if p.Path != "service/components.toml" || p.Dir() != "service" {
		t.Errorf("it lies at %s in %s", p.Path, p.Dir())
	}
	img := assembled(t, p.Targets, Options{})[0]
	if img.Names[0] != "registry.example/tools:1.3" || len(img.Parts) != 1 {
		t.Errorf("%+v", img)
	}
	delete(files, "locks/python.txt")
	p, err = Read(files, "service/components.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Select(nil)
	refuses(t, err, problem.ClassOf(err), `service/components.toml:14:1: requirements "../locks/python.txt": there is no such file`)
	if err != nil && problem.ExitCode(err) != 1 {
		t.Errorf("exit code %d", problem.ExitCode(err))
	}
}

// What is wrong with overrides alone is the command line's.
func TestOverrides(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, override string
		code           int
	}{
		{several, "ants.version=2.5.3", 0},
		{several, "ants.versoin=2.5.3", 2},
		{several, "absent.version=1", 2},
		{several + "\nodd = 1\n", "ants.version=2.5.3", 0}, // of a target that is not asked for
		{several + "\nodd = 1\n", "absent.version=1", 2},
		{"odd = 1\n" + several, "ants.version=2.5.3", 1},
		{"odd = 1\n" + several, "absent.version=1", 1},
		{"odd", "ants.version", 1},
	} {
		_, err := Read(fstest.MapFS{"c.toml": {Data: []byte(tt.file)}}, "c.toml", []string{tt.override})
		if code := problem.ExitCode(err); code != tt.code {
			t.Errorf("%s: exit code %d, want %d: %v", tt.override, code, tt.code, err)
		}
	}
	_, err := Read(fstest.MapFS{"c.toml": {Data: []byte(several)}}, "c.toml", []string{"absent.version=1", "nothing"})
	refuses(t, err, problem.Usage, "--set absent.version=1: there is no component \"absent\"\nhint: the components are ",
		"\n--set nothing: is not of the form component.key=value")
}

func TestOpenMissesTheFile(t *testing.T) {
	t.Parallel()
	_, err := Open(t.TempDir()+"/components.toml", nil)
	refuses(t, err, problem.ClassOf(err), "components.toml: there is no such file\nhint: medbuild init writes one")
}
