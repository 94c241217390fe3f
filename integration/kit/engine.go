package kit

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Daemon is the path of a buildkitd: the given one, the one `make build` wrote,
// or one built now.
func Daemon() (string, error) { return daemon() }

var daemon = sync.OnceValues(func() (string, error) {
	for _, p := range []string{os.Getenv("MEDBUILD_BUILDKITD"), Path("bin/buildkitd")} {
		if _, err := os.Stat(p); err == nil {
			return filepath.Abs(p)
		}
	}
	return program("internal/engine/daemon", "buildkitd", "github.com/moby/buildkit/cmd/buildkitd")
})

// NeedEngine skips the test where our own engine cannot run.
func NeedEngine(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("our own engine needs Linux and root")
	}
	if _, err := exec.LookPath("runc"); err != nil {
		t.Skip("runc is not installed (make tools does it)")
	}
}

// EmptyEngine makes our own engine with an empty root the one of this test's
// commands, and returns the engine's folder. The test fails when the engine
// leaves a process or a mount behind.
func EmptyEngine(t testing.TB) string {
	t.Helper()
	NeedEngine(t)
	// The folders of t.TempDir are too long for a socket.
	root := Must(TempDir("mbi"))(t)
	t.Cleanup(func() { tidy(t, root) })
	return engineIn(t, root)
}

// sharedRoot is the root of an engine that the tests of a run share, so that
// compilers and packages are installed once. $MEDBUILD_TEST_ROOT keeps one for
// many runs, in a folder for each package.
var sharedRoot = sync.OnceValues(func() (string, error) {
	dir, err := ownDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(dir, "s")
	if given := os.Getenv("MEDBUILD_TEST_ROOT"); given != "" {
		here, err := os.Getwd()
		if err != nil {
			return "", err
		}
		root = filepath.Join(given, filepath.Base(here))
	}
	return root, os.MkdirAll(root, 0o700)
})

// SharedEngine is EmptyEngine for tests that need no empty root: they share one
// with the other tests of their package.
func SharedEngine(t testing.TB) string {
	t.Helper()
	NeedEngine(t)
	return UseEngine(t, Must(sharedRoot())(t))
}

// UseEngine makes our own engine in root the one of this test's commands, and
// returns the engine's folder. The root stays; the test fails when the engine
// leaves a process or a mount behind.
func UseEngine(t testing.TB, root string) string {
	t.Helper()
	t.Cleanup(func() { nothingLeft(t, root) })
	return engineIn(t, root)
}

func engineIn(t testing.TB, root string) string {
	t.Helper()
	t.Setenv("MEDBUILD_ROOT", filepath.Join(root, "engine"))
	t.Setenv("MEDBUILD_BUILDKITD", Must(Daemon())(t))
	t.Setenv("BUILDKIT_HOST", "child")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	return filepath.Join(root, "engine")
}

// nothingLeft fails the test when an engine left a process or a mount. They may
// take a moment to go where the command was killed.
func nothingLeft(t testing.TB, root string) {
	t.Helper()
	if left := Eventually(20*time.Second, func() string { return LeftBy(root) }); left != "" {
		t.Error(left)
	}
}

// LeftBy says what the engine below root has left behind, "" for nothing.
func LeftBy(root string) string {
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil && strings.Contains(string(mounts), root+"/engine/") {
		return "the engine left mounts below " + root
	}
	if out, _ := exec.Command("pgrep", "-a", "-f", root+"/engine").Output(); len(out) > 0 {
		return "the engine left processes: " + string(out)
	}
	return ""
}

// tidy takes the root away, unless something of it is in use.
func tidy(t testing.TB, root string) {
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
