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
func read(t *testing.T, content string, overrides ...string) *Project {
	t.Helper()
	p, err := Read(fstest.MapFS{"components.toml": {Data: []byte(content)}}, "components.toml", overrides)
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
