// Package testkit is what the tests of several packages share: pins that no test
// fetches, errors that must say something, files.
package testkit

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

// Pins of things that no test fetches.
const (
	SHA256 = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
	Commit = "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
)

// With is v after a change.
func With[T any](v T, change func(T)) T {
	change(v)
	return v
}

// WantText fails the test unless err, as the user reads it, has each of the parts.
func WantText(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	text := problem.Text(err)
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("error lacks %q:\n%s", p, text)
		}
	}
}

// Needs skips the test where a program is not installed.
func Needs(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// Write writes a file and makes the folders above it.
func Write(t testing.TB, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FilesBelow lists the files below a folder, relative to it and sorted.
func FilesBelow(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	if err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, p)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// RunUnpacking runs the script of an unpacking with the step's folders below
// root: its source is what lies at root/src.
func RunUnpacking(script, root string) (output string, err error) {
	script = strings.NewReplacer("/run/medbuild/src", root+"/src", "/tmp/un", root+"/un").Replace(script)
	cmd := exec.Command("/bin/sh", "-eu", "-c", script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
