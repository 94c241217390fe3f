// Package stagetest has bases for the tests of stages, and asks tools as a build
// does.
package stagetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages/stage"
)

// Answer asks a question as the step does, of a tool that says the text.
func Answer(t testing.TB, q stage.Question, says string) (version, stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "said"), says)
	q.Command = "cat " + filepath.Join(dir, "said") + "; exit 1"
	script := stage.Prepare(dir, filepath.Join(dir, "outcomes"), filepath.Join(dir, "output")) + stage.TestScript + q.Call()
	cmd := exec.Command("/bin/sh", "-eu", "-c", script)
	var text strings.Builder
	cmd.Stderr = &text
	if err := cmd.Run(); err != nil {
		return "", text.String(), err
	}
	line, err := os.ReadFile(filepath.Join(dir, q.Section.File()))
	if err != nil {
		t.Fatal(err)
	}
	key, version, _ := strings.Cut(strings.TrimSpace(string(line)), "=")
	if key != q.Key {
		t.Errorf("key is %q, want %q", key, q.Key)
	}
	return version, "", nil
}

// Question is the first question of a tool on Trixie, which wants a version.
func Question(t testing.TB, tool stage.Tool, want string) stage.Question {
	t.Helper()
	q := Stage(t, tool, Trixie()).Questions[0]
	q.Want = want
	return q
}

// Stage is the component that a tool makes on a base.
func Stage(t testing.TB, tool stage.Tool, on stage.Base) stage.Stage {
	t.Helper()
	s, err := tool.Stage(stage.Ground{Build: on, Run: on})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
