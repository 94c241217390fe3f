package standins

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

// Osparc is the example in a folder of its own, on this test run's base.
func Osparc(t testing.TB) string {
	t.Helper()
	dir := kit.Project(t, kit.Example(t, "osparc"))
	kit.NoError(t, os.CopyFS(filepath.Join(dir, ".osparc"), os.DirFS(kit.Path("examples/osparc/.osparc"))))
	return dir
}
