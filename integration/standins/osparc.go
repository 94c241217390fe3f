package standins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

// Osparc is the example in a folder of its own, on this test run's base.
func Osparc(t testing.TB) string {
	t.Helper()
	dir := kit.Project(t, strings.ReplaceAll(kit.Example(t, "osparc"), "../../service/osparc/", ".osparc/"))
	kit.NoError(t, os.CopyFS(filepath.Join(dir, ".osparc"), os.DirFS(kit.Path("service/osparc"))))
	return dir
}
