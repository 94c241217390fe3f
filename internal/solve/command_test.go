package solve_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages/stage"
)

// ofCommands is an image of a component whose one step runs commands of the user's
// and checks.
func ofCommands() assemble.Image {
	img := image("a")
	p := &img.Parts[0]
	p.Commands = []stage.Command{{Key: "configure", Text: "./configure --prefix=/opt", At: problem.Position{File: "f", Line: 14, Col: 1}}}
	p.Questions = []stage.Question{{Key: "A_VERSION", Command: "a --version", At: problem.Position{File: "f", Line: 15, Col: 1}}}
	p.Smoke = []stage.Check{{Command: "a || [ $? = 1 ]", Shown: "a"}}
	return img
}

// The command that failed is named, at its key, with what it said.
func TestFailedCommandIsNamed(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]string{
		"checking\nno compiler\nfailed: configure: exit code 77\n":                "f:14:1: a: step [a] compile failed: ./configure --prefix=/opt: exit code 77\n  | checking\n  | no compiler\nhint",
		"no\nfailed: A_VERSION: does not answer with a version (exit code 2)\n":   "f:15:1: a: step [a] compile failed: a --version does not answer with a version (exit code 2)\n  | no\nhint",
		"failed: 1: exit code 139\n":                                              "f:10:1: a: step [a] compile failed: a: exit code 139\nhint",
		"failed: layer: /opt/a/x is a device, which must not get into an image\n": "f:10:1: a: step [a] compile failed: /opt/a/x is a device, which must not get into an image\nhint",
		"failed: build: exit code 3\n":                                            "f:10:1: a: step [a] compile failed: exit code: 1\n  | failed: build: exit code 3\nhint",
		"failed: configure: exit code 77\nmore\n":                                 "f:10:1: a: step [a] compile failed: exit code: 1\n  | failed: configure: exit code 77\n  | more\nhint",
	} {
		e := &solvetest.Engine{Fail: map[string][]error{"[a] compile": times(9, errors.New("exit code: 1"))}, Logs: map[string]string{"[a] compile": log}}
		s := on(t, e, solve.Settings{})
		_, err := s.One(t.Context(), imageJob(ofCommands()))
		s.end(t)
		testkit.WantText(t, err, want)
	}
}

// What the display shows of a failed step is its exit code, and not the script that
// an engine quotes.
func TestProgressQuotesNoScript(t *testing.T) {
	t.Parallel()
	var shown bytes.Buffer
	p, err := solve.NewProgress(t.Context(), &shown, "plain")
	if err != nil {
		t.Fatal(err)
	}
	e := &solvetest.Engine{Fail: map[string][]error{"[a] compile": times(9, errors.New("process \"/bin/sh -eu -c json() { cat; }\" did not complete successfully: exit code: 1"))}}
	s := solve.New(e, solve.Settings{Progress: p, Platform: "linux/amd64", Files: base.New("", "").Files, Say: func(string) {}})
	if _, err = s.One(t.Context(), imageJob(ofCommands())); err == nil {
		t.Error("no error")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if text := shown.String(); !strings.Contains(text, " ERROR: exit code: 1") || strings.Contains(text, "json()") {
		t.Errorf("shown:\n%s", text)
	}
}

// Programs that hide each other on PATH are told of when the components are there,
// once in a run.
func TestHiddenProgramsAreToldOf(t *testing.T) {
	t.Parallel()
	img := image("a", "b", "c")
	for i, dir := range []string{"/opt/a/bin", "/opt/b/bin"} {
		img.Parts[i].Path = []string{dir}
		img.Config.Path = append(img.Config.Path, dir)
	}
	e := &solvetest.Engine{Files: map[string]string{assemble.ProgramsFile: "/opt/a/bin/tool\n/opt/b/bin/tool\n"}}
	s := on(t, e, solve.Settings{})
	for range 2 {
		if _, err := s.One(t.Context(), imageJob(img)); err != nil {
			t.Error(err)
		}
	}
	s.end(t)
	if want := "warning: f:20:1: b: PATH finds tool in a (f:10:1) first"; s.told() != want {
		t.Errorf("told %q, want %q", s.told(), want)
	}
}
