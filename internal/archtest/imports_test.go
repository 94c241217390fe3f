// Package archtest keeps the arrows between the packages of this module:
// cmd uses internal, internal uses stages, stages use llb.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/medbuild/medbuild"

// root is the folder of the module.
const root = "../.."

// cli is the command line library, and everything below it.
const cli = "github.com/urfave/cli"

// floors are the module's folders from the top. Packages may import those of
// their own floor and of the floors below.
var floors = []string{"cmd", "internal", "stages", "llb"}

// outside is what the floors that others import may take from outside the
// standard library. BuildKit's client is not among it: stages know no engine.
var outside = map[string][]string{
	"stages": {},
	"llb": {
		"github.com/moby/buildkit/client/llb",
		"github.com/moby/buildkit/solver/pb",
		"github.com/moby/docker-image-spec/specs-go/v1",
		"github.com/opencontainers/go-digest",
		"github.com/opencontainers/image-spec/specs-go/v1",
	},
}

// broken says which rule an import breaks, "" for none. from is the importing
// package's folder in the module.
func broken(from, imported string) string {
	if testSupport(from) {
		return ""
	}
	own := floor(from)
	if rest, ok := strings.CutPrefix(imported, module+"/"); ok && own >= 0 && floor(rest) < own {
		return "the arrow goes up: " + floors[own] + " may import " + strings.Join(floors[min(own, len(floors)):], ", ")
	}
	if within(imported, cli) && own != 0 {
		return "cmd alone knows the command line"
	}
	allowed, limited := outside[first(from)]
	if limited && !standard(imported) && !within(imported, module) && !slices.Contains(allowed, imported) {
		return first(from) + " may import " + strings.Join(append([]string{"the standard library"}, allowed...), ", ")
	}
	return ""
}

func floor(folder string) int {
	if within(folder, "internal/problem") {
		return len(floors)
	}
	for i, f := range floors {
		if within(folder, f) {
			return i
		}
	}
	return -1
}

// testSupport reports whether a package is for tests alone.
func testSupport(folder string) bool {
	return slices.Contains([]string{"internal/testkit", "stages/stage/stagetest", "llb/llbtest"}, folder)
}

func first(folder string) string {
	head, _, _ := strings.Cut(folder, "/")
	return head
}

func within(name, tree string) bool { return name == tree || strings.HasPrefix(name, tree+"/") }

func standard(imported string) bool { return !strings.Contains(first(imported), ".") }

func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return skip(file, d, err)
		}
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			files++
			check(t, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("saw %d files only: is the module at %s?", files, root)
	}
}

// skip leaves out hidden folders and those of modules of their own.
func skip(folder string, d fs.DirEntry, err error) error {
	if err != nil || folder == root {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "out" {
		return fs.SkipDir
	}
	return nil
}

func check(t *testing.T, file string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	rel, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range tree.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Error(err)
			continue
		}
		if rule := broken(path.Dir(filepath.ToSlash(rel)), imported); rule != "" {
			t.Errorf("%s imports %s: %s", rel, imported, rule)
		}
	}
}

func TestRules(t *testing.T) {
	tests := []struct {
		from, imported string
		allowed        bool
	}{
		{"llb", "strings", true},
		{"llb", "encoding/json", true},
		{"llb", "github.com/moby/buildkit/client/llb", true},
		{"llb", "github.com/moby/buildkit/client", false},
		{"llb", "github.com/moby/buildkit/client/llb/sourceresolver", false},
		{"llb", module + "/stages", false},
		{"llb/llbtest", module + "/llb", true},
		{"llb", module + "/internal/problem", true},
		{"llb", module + "/internal/build", false},
		{"stages", module + "/llb", true},
		{"stages", "embed", true},
		{"stages", "github.com/moby/buildkit/client/llb", false},
		{"stages", module + "/internal/config", false},
		{"internal/config", module + "/stages", true},
		{"internal/build", module + "/internal/engine", true},
		{"internal/build", "github.com/moby/buildkit/client", true},
		{"internal/build", module + "/cmd/medbuild", false},
		{"internal/build", cli + "/v2", false},
		{"integration", cli + "/v2", false},
		{"integration", module + "/internal/engine", true},
		{"cmd/medbuild", cli + "/v2", true},
		{"cmd/medbuild", module + "/llb", true},
	}
	for _, tt := range tests {
		if rule := broken(tt.from, tt.imported); (rule == "") != tt.allowed {
			t.Errorf("%s imports %s: allowed %v, rule %q", tt.from, tt.imported, rule == "", rule)
		}
	}
}
