// Package integration tests medbuild as its users meet it: the built command,
// a real engine, a real base.
package integration

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := binDir(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// environ is the environment before tests change theirs: the Go command's cache
// is found by it.
var environ = os.Environ()

// binDir is a folder of this test run for programs built for it.
var binDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "mbi-bin") })

// command is the path of a medbuild built from this tree.
var command = sync.OnceValues(func() (string, error) { return goBuild("..", "medbuild", "./cmd/medbuild") })

// daemon is the path of a buildkitd: the given one, the one `make build` wrote,
// or one built now.
var daemon = sync.OnceValues(func() (string, error) {
	for _, p := range []string{os.Getenv("MEDBUILD_BUILDKITD"), "../bin/buildkitd"} {
		if _, err := os.Stat(p); err == nil {
			return filepath.Abs(p)
		}
	}
	return goBuild("../internal/engine/daemon", "buildkitd", "github.com/moby/buildkit/cmd/buildkitd")
})

// base is the path of a Debian root file system as a tar, made once and kept.
var base = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("MEDBUILD_TEST_BASE"); given != "" {
		return filepath.Abs(given)
	}
	path := "../out/test/trixie.tar"
	if out, err := exec.Command("./trixie.sh", path).CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return filepath.Abs(path)
})

func goBuild(module, name, pkg string) (string, error) {
	dir, err := binDir()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Dir = module
	cmd.Env = append(environ, "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(text))
	}
	return out, nil
}

// engineRoot makes our own engine with an empty root the one of this test's
// commands, and returns the root. The test fails when the engine leaves a
// process or a mount behind.
func engineRoot(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("our own engine needs Linux and root")
	}
	if _, err := exec.LookPath("runc"); err != nil {
		t.Skip("runc is not installed (make tools does it)")
	}
	binary := must(daemon())(t)
	// The folders of t.TempDir are too long for a socket.
	root, err := os.MkdirTemp("", "mbi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tidy(t, root) })
	t.Setenv("MEDBUILD_ROOT", filepath.Join(root, "engine"))
	t.Setenv("MEDBUILD_BUILDKITD", binary)
	t.Setenv("BUILDKIT_HOST", "child")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	return filepath.Join(root, "engine")
}

func tidy(t *testing.T, root string) {
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil && strings.Contains(string(mounts), root+"/") {
		t.Errorf("the engine left mounts below %s", root)
		return // they may lead anywhere
	}
	if out, _ := exec.Command("pgrep", "-f", root+"/").Output(); len(out) > 0 {
		t.Errorf("the engine left processes: %s", out)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Error(err)
	}
}

// baseTar is the path of a Debian trixie root file system as a tar.
func baseTar(t testing.TB) string {
	t.Helper()
	if os.Getenv("MEDBUILD_TEST_BASE") == "" {
		if _, err := exec.LookPath("mmdebstrap"); err != nil {
			t.Skip("mmdebstrap is not installed (make tools does it), and MEDBUILD_TEST_BASE names no base")
		}
	}
	return must(base())(t)
}

// project writes components.toml into a new folder and returns the folder.
// BASE in the text becomes the path of baseTar, relative to the folder.
func project(t testing.TB, toml string) string {
	t.Helper()
	dir := t.TempDir()
	rel := must(filepath.Rel(dir, baseTar(t)))(t)
	writeFile(t, filepath.Join(dir, "components.toml"), strings.ReplaceAll(toml, "BASE", rel))
	return dir
}

// result is what a command printed and how it ended.
type result struct {
	Stdout, Stderr string
	Code           int
}

// medbuild runs the command with the arguments to its end.
func medbuild(t testing.TB, args ...string) result {
	t.Helper()
	return finish(t, medbuildCmd(t, args...))
}

// medbuildCmd is the command, for tests that give it input, a folder or signals.
func medbuildCmd(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(must(command())(t), args...)
}

// finish runs cmd; a program that cannot be started fails the test, one that
// ends badly does not.
func finish(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// ok fails the test unless the command ended well.
func (r result) ok(t testing.TB) result {
	t.Helper()
	if r.Code != 0 {
		t.Fatalf("exit code %d\nstdout: %s\nstderr: %s", r.Code, r.Stdout, r.Stderr)
	}
	return r
}

// must ends the test when err is one: must(os.ReadFile(name))(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
