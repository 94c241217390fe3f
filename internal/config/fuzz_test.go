package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/medbuild/medbuild/internal/problem"
)

// FuzzLoad reads any file with any override: it ends in a File or in problems
// that each say something, and a second reading says the same.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*.toml", "testdata/bad/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal("no seeds", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, "ants.version=3.0")
		}
	}
	f.Add(Starter(), "mrtrix3.commands=[\"mrinfo\"]")
	f.Add([]byte("components.ants = {}"), "components.ants.source={git='x', 'a.b'.c=[[1], {}]}")
	f.Fuzz(func(t *testing.T, text []byte, flag string) {
		checkLoad(t, fstest.MapFS{"components.toml": {Data: text}}, flag)
	})
}

func checkLoad(t *testing.T, files fs.FS, flag string) {
	t.Helper()
	file, err := LoadFS(files, "components.toml", []string{flag})
	if (file == nil) == (err == nil) {
		t.Fatalf("Load = %v, %v", file, err)
	}
	_, again := LoadFS(files, "components.toml", []string{flag})
	if err == nil {
		if again != nil {
			t.Fatalf("first no error, then %v", again)
		}
		return
	}
	if again == nil || problem.Text(again) != problem.Text(err) {
		t.Fatalf("first %v, then %v", err, again)
	}
	checkProblems(t, err)
}

func checkProblems(t *testing.T, err error) {
	t.Helper()
	for _, p := range listed(t, err) {
		if p.Message == "" || p.At.String() == "" {
			t.Fatalf("a problem that says nothing or is nowhere: %+v in %v", p, err)
		}
	}
}
