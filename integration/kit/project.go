package kit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Debian is the path of a Debian root file system as a tar: the given one, or
// one that is made once and kept.
func Debian() (string, error) { return debian() }

var debian = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("MEDBUILD_TEST_BASE"); given != "" {
		return filepath.Abs(given)
	}
	return Kept("trixie.tar", func(partial string) error {
		if out, err := exec.Command(Path("integration/trixie.sh"), partial).CombinedOutput(); err != nil {
			return errors.New(string(out))
		}
		return nil
	})
})

// BaseTar is the path of a Debian trixie root file system as a tar.
func BaseTar(t testing.TB) string {
	t.Helper()
	if os.Getenv("MEDBUILD_TEST_BASE") == "" {
		if _, err := exec.LookPath("mmdebstrap"); err != nil {
			t.Skip("mmdebstrap is not installed (make tools does it), and MEDBUILD_TEST_BASE names no base")
		}
	}
	return Must(Debian())(t)
}

// Project writes components.toml into a new folder and returns the folder.
// BASE in the text becomes the path of BaseTar, relative to the folder.
func Project(t testing.TB, toml string) string {
	t.Helper()
	dir := t.TempDir()
	rel := Must(filepath.Rel(dir, BaseTar(t)))(t)
	WriteFile(t, filepath.Join(dir, "components.toml"), strings.ReplaceAll(toml, "BASE", rel))
	return dir
}

// Example is the components.toml of an example, on this test run's base.
func Example(t testing.TB, name string) string {
	t.Helper()
	return strings.Replace(ReadFile(t, Path("examples/"+name+"/components.toml")), "../../out/trixie.tar", "BASE", 1)
}

// Head begins a components.toml with the Debian base.
const Head = `[image]
name = "example.org/test"
version = "1"

[bases.trixie]
tar = "BASE"
`

// TargetOf is a target "all" of the components.
func TargetOf(names ...string) string {
	return "\n[targets.all]\nbase = \"trixie\"\ncomponents = [\"" + strings.Join(names, `", "`) + "\"]\n"
}

// Components is a components.toml with the components, and a target "all" of
// all of them. tables has pairs of a name and what is in its table.
func Components(tables ...string) string {
	text, names := Head, []string{}
	for i := 0; i < len(tables); i += 2 {
		text += fmt.Sprintf("\n[components.%s]\n%s", tables[i], tables[i+1])
		names = append(names, tables[i])
	}
	return text + TargetOf(names...)
}
