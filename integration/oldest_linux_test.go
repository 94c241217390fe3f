package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

// The versions that TestOldestEngine stands for: engine.Oldest, and the last
// release before it.
const (
	oldestEngine = "v0.12.0"
	tooOldEngine = "v0.11.6"
)

// An image of every general stage is built on the oldest BuildKit that is not
// refused, and the one before it is refused with both versions.
func TestOldestEngine(t *testing.T) {
	kit.Long(t, "compiles two old buildkitds and builds with them")
	for _, version := range []string{oldestEngine, tooOldEngine} {
		t.Run(version, func(t *testing.T) {
			old := oldDaemon(t, version)
			kit.EmptyEngine(t)
			t.Setenv("MEDBUILD_BUILDKITD", old)
			dir, _ := genericProject(t, kit.Site(t))
			r := kit.Built(t, dir, "--output", "type=oci,dest=out.tar")
			if version == oldestEngine {
				r.OK(t)
				return
			}
			r.Failed(t, 1, "is BuildKit "+strings.TrimPrefix(version, "v")+"; the oldest supported version is "+strings.TrimPrefix(oldestEngine, "v"), "\nhint: update that BuildKit")
		})
	}
}

// oldDaemon is the path of a buildkitd of that version, made from its module once
// and kept.
func oldDaemon(t *testing.T, version string) string {
	t.Helper()
	return kit.Must(kit.Kept("buildkitd-"+version, func(partial string) error {
		module := "github.com/moby/buildkit"
		found, err := exec.Command("go", "mod", "download", "-json", module+"@"+version).Output()
		if err != nil {
			return fmt.Errorf("download %s: %w: %s", module, err, found)
		}
		_, after, _ := strings.Cut(string(found), `"Dir": "`)
		from, _, _ := strings.Cut(after, `"`)
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			return err
		}
		build := exec.Command("go", "build", "-mod=mod", "-o", partial, "-ldflags", "-X "+module+"/version.Version="+version, "./cmd/buildkitd")
		build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "TMPDIR="+filepath.Dir(dir))
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", version, err, kit.Last(20, string(out)))
		}
		return nil
	}))(t)
}
