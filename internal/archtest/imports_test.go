// Package archtest holds the packages of this module to the table of rooms in
// ARCHITECTURE.md.
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

// page is the page with the tables.
func page(t *testing.T) house {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(text))
}

func read(t *testing.T, text string) house {
	t.Helper()
	rooms, err := roomsOf(text)
	if err != nil {
		t.Fatal(err)
	}
	libraries, err := librariesOf(text)
	if err != nil {
		t.Fatal(err)
	}
	return house{rooms, libraries}
}

// TestRooms: the page and the packages say the same.
func TestRooms(t *testing.T) {
	t.Parallel()
	packages := imports(t)
	if len(packages) < 10 {
		t.Errorf("saw %d packages only: is the module at %s?", len(packages), root)
	}
	for _, fault := range page(t).faults(packages) {
		t.Error(fault)
	}
}

// imports is what the files of each package import that are no tests. One that
// has tests alone is there too.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return skip(file, d, err)
		}
		if strings.HasSuffix(file, ".go") {
			name := folder(t, file)
			for _, i := range importsOf(t, file) {
				if !slices.Contains(out[name], i) {
					out[name] = append(out[name], i)
				}
			}
			out[name] = append(out[name], []string{}...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// folder is a file's package in the module.
func folder(t *testing.T, file string) string {
	t.Helper()
	rel, err := filepath.Rel(root, file)
	if err != nil {
		t.Fatal(err)
	}
	return path.Dir(filepath.ToSlash(rel))
}

// skip leaves out hidden folders, those of modules of their own, and what the
// Go command does not look into.
func skip(folder string, d fs.DirEntry, err error) error {
	if err != nil || folder == root {
		return err
	}
	_, other := os.Stat(filepath.Join(folder, "go.mod"))
	if other == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "out" || d.Name() == "testdata" {
		return fs.SkipDir
	}
	return nil
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, "_test.go") {
		return nil
	}
	var out []string
	for _, i := range tree.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, imported)
	}
	return out
}

// smallPage has a table of each sort.
const smallPage = `# A page

` + roomsHeader + `
| --- | --- | --- | --- |
| ` + "`top` | wiring | `below`, `tool` | any |" + `
| ` + "`below` | words | | `github.com/x/y` |" + `
| ` + "`tool` | more | `below` | |" + `
| ` + "`kit` (tests) | for tests | `below` | |" + `

` + librariesHeader + `
| --- | --- |
| ` + "`github.com/c/cli` | `top` |" + `

| other | table |
`

func TestFaults(t *testing.T) {
	t.Parallel()
	sound := func() map[string][]string {
		return map[string][]string{
			"top":   {"fmt", module + "/below", module + "/tool", "github.com/c/cli/v2", "github.com/any/thing"},
			"below": {"encoding/json", "github.com/x/y"},
			"tool":  {module + "/below"},
			"kit":   {module + "/below"},
		}
	}
	h := read(t, smallPage)
	if got := h.faults(sound()); len(got) > 0 {
		t.Errorf("sound packages: %q", got)
	}
	for _, tt := range []struct {
		name    string
		imports []string
		want    string
	}{
		{"below", []string{"github.com/x/y", module + "/tool"}, "below imports " + module + "/tool: its row does not list that room"},
		{"below", []string{"github.com/x/y", "github.com/x/y/z"}, "below imports github.com/x/y/z: its row does not list that package"},
		{"below", []string{"fmt"}, "below does not import github.com/x/y, which its row lists"},
		{"tool", nil, "tool does not import below, which its row lists"},
		{"tool", []string{module + "/below", "github.com/c/cli/v2"}, "tool imports github.com/c/cli/v2: only top may"},
		{"new", nil, "new is not in the table of rooms"},
	} {
		packages := sound()
		packages[tt.name] = tt.imports
		if got := h.faults(packages); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	gone := sound()
	delete(gone, "kit")
	if got := h.faults(gone); !slices.Equal(got, []string{"kit is in the table of rooms, and there is no such package"}) {
		t.Errorf("%q", got)
	}
}

// A room for tests is no room that others stand on, listed or not.
func TestRoomsForTests(t *testing.T) {
	t.Parallel()
	h := read(t, strings.Replace(smallPage, "`below` | |", "`below`, `kit` | |", 1))
	got := h.broken("tool", h.rooms["tool"], []string{module + "/kit"})
	if want := "tool imports " + module + "/kit: that room is for tests"; !slices.Equal(got, []string{want}) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestBrokenTables(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"none":          "nothing",
		"a cell less":   strings.Replace(smallPage, "| any |", "|", 1),
		"a row twice":   strings.Replace(smallPage, "`kit`", "`tool`", 1),
		"no room":       strings.Replace(smallPage, "`kit`", "kit", 1),
		"says nothing":  strings.Replace(smallPage, "| wiring |", "| |", 1),
		"empty header ": strings.ReplaceAll(smallPage, "room", ""),
	} {
		if rooms, err := roomsOf(text); err == nil {
			t.Errorf("%s: read as %v", name, rooms)
		}
	}
	if _, err := librariesOf("nothing"); err == nil {
		t.Error("a page without libraries is read")
	}
}
