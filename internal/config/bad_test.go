package config

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// listed is the problems that were joined into an error.
func listed(t *testing.T, err error) []*problem.Error {
	t.Helper()
	var out []*problem.Error
	for _, e := range problem.List(err) {
		p, ok := e.(*problem.Error) //nolint:errorlint // each is one itself
		if !ok {
			t.Fatalf("%T is not a problem: %v", e, e)
		}
		out = append(out, p)
	}
	return out
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	const bad = "internal/config/testdata/bad/"
	module := os.DirFS("../..")
	files, err := fs.Glob(module, bad+"*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(path.Base(file), func(t *testing.T) {
			t.Parallel()
			f, err := LoadFS(module, file, nil)
			if err == nil || f != nil {
				t.Fatalf("Load = %v, %v", f, err)
			}
			for _, p := range listed(t, err) {
				if p.Class != problem.Refused {
					t.Errorf("%v is of the class %d", p, p.Class)
				}
				if p.At.Line == 0 || p.At.Col == 0 || p.At.File != file {
					t.Errorf("%v is at no place", p)
				}
			}
			name := strings.TrimPrefix(strings.TrimSuffix(file, ".toml"), bad)
			golden(t, "testdata/bad/"+name+".golden", strings.ReplaceAll(problem.Text(err), bad, "")+"\n")
		})
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.toml")
	if err := os.WriteFile(large, make([]byte, maxFile+1), 0o644); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "components.toml")
	for path, want := range map[string]string{
		missing: missing + ": there is no such file\nhint: medbuild init writes one to start from; -f names another",
		dir:     dir + ": is not a regular file",
		large:   large + ": is larger than 2 MiB",
	} {
		if _, err := Load(path, nil); err == nil || problem.Text(err) != want {
			t.Errorf("Load(%s): %v, want %s", path, err, want)
		}
	}
}

func TestDeepNesting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep.toml")
	text := "image = " + strings.Repeat("[", 1<<20)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, nil)
	if err == nil || !strings.Contains(err.Error(), "nested more than") {
		t.Errorf("got %v", err)
	}
}

// A file is read the same way each time, its problems and their order
// included.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	dir := os.DirFS("testdata/bad")
	_, first := LoadFS(dir, "everything.toml", []string{"mrtrix3.x=1", "ants.y=2"})
	for range 25 {
		_, err := LoadFS(dir, "everything.toml", []string{"mrtrix3.x=1", "ants.y=2"})
		if problem.Text(err) != problem.Text(first) {
			t.Fatalf("got\n%v\nbefore\n%v", err, first)
		}
	}
}
