// Package kit is what the tests on a real engine share: the built command, an
// engine and a Docker of their own, projects, and a look into images.
//
// Helpers end the test when they cannot do what they are for. Those that give a
// test an engine set the environment of the test's commands, so that such tests
// do not run in parallel; packages of tests do.
package kit

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/upstream"
)

// Main runs the tests of a package and returns their exit code. It takes away
// what they share, and before that what runs left that were killed.
func Main(m *testing.M) int {
	if err := Sweep(os.TempDir()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	defer held.release()
	// The bases and locks of the tests lie beside the projects that name them.
	allowed := Path(".")
	if given := os.Getenv("MEDBUILD_TEST_BASE"); given != "" {
		allowed += string(filepath.ListSeparator) + filepath.Dir(given)
	}
	_ = os.Setenv("MEDBUILD_ALLOW_FILES", allowed)
	code := m.Run()
	if dir, err := ownDir(); err == nil {
		_ = os.RemoveAll(dir)
	}
	return code
}

// environ is the environment before tests change theirs: the Go command's cache
// is found by it.
var environ = os.Environ()

// ownDir is a folder of this test run, for programs and for the engine that its
// tests share. It is short: the paths of sockets are limited.
var ownDir = sync.OnceValues(func() (string, error) { return TempDir("mbi-bin") })

// root is the folder of this module, where go.mod is.
var root = sync.OnceValue(func() string {
	for dir := "."; len(dir) < 30; dir += "/.." {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			abs, _ := filepath.Abs(dir)
			return abs
		}
	}
	return "." // what is looked for there says where it is not
})

// Path is the absolute path of a file of this repository.
func Path(name string) string { return filepath.Join(root(), name) }

// GoBuild builds a program of a module of this repository, with the tags of go
// build before the package's name.
func GoBuild(module, out string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", out}, args...)...)
	cmd.Dir = Path(module)
	cmd.Env = append(slices.Clone(environ), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return errors.New(string(text))
	}
	return nil
}

// program builds one that the tests of this run share.
func program(module, name, pkg string) (string, error) {
	dir, err := ownDir()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, name)
	return out, GoBuild(module, out, pkg)
}

// Long skips a test that make test has no time for, and says what the test does.
func Long(t testing.TB, does string) {
	t.Helper()
	if os.Getenv("MEDBUILD_TEST_LONG") == "" {
		t.Skip(does + ": make test-long runs it")
	}
}

// Must ends the test when err is one: Must(os.ReadFile(name))(t).
func Must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		NoError(t, err)
		return v
	}
}

// NoError ends the test when err is one.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// WriteFile writes a file and makes the folders above it.
func WriteFile(t testing.TB, path, content string) {
	t.Helper()
	NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

// ReadFile is the content of a file.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	return string(Must(os.ReadFile(path))(t))
}

// SortedKeys is the keys of a map in the same order each time.
func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Last is the last n lines of text.
func Last(n int, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Eventually asks again until the answer is "" or the time is over, and returns
// the last answer.
func Eventually(limit time.Duration, ask func() string) string {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if answer := ask(); answer == "" || time.Now().After(end) {
			return answer
		}
	}
}

// Site is a stand-in of an upstream site that ends with the test.
func Site(t testing.TB) *upstream.Site {
	t.Helper()
	s := upstream.New()
	t.Cleanup(s.Close)
	return s
}

// Own is a script of this test's own: no other test has built it.
func Own(t testing.TB, script string) string {
	t.Helper()
	return script + "# " + t.Name() + " " + strconv.FormatInt(time.Now().UnixNano(), 36) + "\n"
}
