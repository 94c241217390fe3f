package kit

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// command is the path of a medbuild built from this tree.
var command = sync.OnceValues(func() (string, error) { return program(".", "medbuild", "./cmd/medbuild") })

// Result is what a command printed and how it ended.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Command is medbuild, for tests that give it input, a folder or signals.
func Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(Must(command())(t), args...)
}

// Medbuild runs medbuild with the arguments to its end.
func Medbuild(t testing.TB, args ...string) Result {
	t.Helper()
	return Finish(t, Command(t, args...))
}

// Finish runs cmd; a program that cannot be started fails the test, one that
// ends badly does not.
func Finish(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// In makes the command work in a project's folder.
func In(dir string, cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = dir
	return cmd
}

// OK fails the test unless the command ended well.
func (r Result) OK(t testing.TB) Result {
	t.Helper()
	if r.Code != 0 {
		t.Fatalf("exit code %d\nstdout: %s\nstderr: %s", r.Code, r.Stdout, r.Stderr)
	}
	return r
}

// Failed fails the test unless the command ended with the code and its standard
// error has all the texts.
func (r Result) Failed(t testing.TB, code int, texts ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d", r.Code, code)
	}
	message := r.Stderr[max(0, strings.LastIndex(r.Stderr, "medbuild: ")):]
	for _, text := range texts {
		if !strings.Contains(message, text) {
			t.Errorf("the error lacks %q", text)
		}
	}
	if t.Failed() {
		t.Fatalf("stdout: %s\nstderr: %s", r.Stdout, r.Stderr)
	}
	t.Log(message)
}

// Built builds the project's target "all" and returns what was printed.
func Built(t testing.TB, dir string, args ...string) Result {
	t.Helper()
	args = append([]string{"build", "--progress", "plain", "--target", "all"}, args...)
	return Finish(t, In(dir, Command(t, args...)))
}

// LayoutOf builds the project's target and returns the image's layout folder.
func LayoutOf(t testing.TB, dir, target string) string {
	t.Helper()
	out := filepath.Join(dir, "out-"+target)
	Finish(t, In(dir, Command(t, "build", "--progress", "plain", "--target", target, "--output", "type=oci,tar=false,dest="+out))).OK(t)
	return out
}

// Inside runs a script in a target and returns what it printed.
func Inside(t testing.TB, dir, target, script string) string {
	t.Helper()
	return Medbuild(t, "run", "--file", filepath.Join(dir, "components.toml"), "--target", target, "--", "/bin/bash", "-euc", script).OK(t).Stdout
}

// Cached reports whether the summary says that a part was cached.
func (r Result) Cached(part string) bool {
	for line := range strings.Lines(r.Stderr) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == part && f[1] == "cached" {
			return true
		}
	}
	return false
}

// Tool runs a program of this machine in the folder and returns what it printed.
// The test is skipped where there is none.
func Tool(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(program + " is not installed (make tools does it)")
	}
	r := Finish(t, In(dir, exec.Command(program, args...)))
	return r.OK(t).Stdout
}
