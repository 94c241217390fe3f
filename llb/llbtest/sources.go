package llbtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Embeds fails when a package's embedded sources are not all its Go files
// without its tests, for a test that runs in the package's folder.
func Embeds(t testing.TB, files fs.FS) {
	t.Helper()
	all, err := filepath.Glob("*.go")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files here, %v", len(all), err)
	}
	for _, name := range all {
		_, err := fs.Stat(files, name)
		test := strings.HasSuffix(name, "_test.go")
		if err != nil && !test {
			t.Errorf("%s is not embedded: steps made there have no location\nhint: add a pattern that matches it to go:embed in sources.go", name)
		}
		if err == nil && test {
			t.Errorf("%s is embedded, although it is a test", name)
		}
	}
	if _, err := os.Stat("sources.go"); err != nil {
		t.Error(err)
	}
}
