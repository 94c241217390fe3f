package osparc

import (
	"encoding/json"
	"flag"
	"os"
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

func file(t *testing.T, dir, name string) File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return File{Path: name, Text: text}
}

func parse(t *testing.T, dir string) (Service, []*problem.Error) {
	t.Helper()
	return Parse(file(t, dir, MetadataFile), file(t, dir, RuntimeFile), file(t, dir, OCIFile))
}

// TestLabels compares with what the platform's own tool made of the same files
// (osparc-simcore 19a5f9dd, service-integration), in which docker compose's
// doubled dollars were made single. -update writes our own: compare anew.
func TestLabels(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/*/" + MetadataFile)
	if err != nil || len(dirs) < 2 {
		t.Fatal("no services", err)
	}
	for _, path := range dirs {
		dir := filepath.Dir(path)
		s, problems := parse(t, dir)
		for _, p := range problems {
			t.Errorf("%s: %+v", dir, p)
		}
		golden(t, dir+".golden", labelsText(t, s.Labels))
	}
}

func labelsText(t *testing.T, labels map[string]string) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(labels); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// FuzzParse wants no text to end the program, and labels that the platform can
// read of every text without problems.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/full", "testdata/least"} {
		metadata, err := os.ReadFile(filepath.Join(dir, MetadataFile))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(metadata, []byte("settings: []\n"))
	}
	f.Fuzz(func(t *testing.T, metadata, runtime []byte) {
		s, problems := Parse(File{MetadataFile, metadata}, File{RuntimeFile, runtime}, File{})
		for _, p := range problems {
			if p.At.Line == 0 || p.Message == "" {
				t.Errorf("%+v is at no place", p)
			}
		}
		for k, v := range s.Labels {
			if err := CheckLabel(k, v); len(problems) == 0 && err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCheckLabel(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		`io.simcore.name={"name":"a"}`: "",
		"org.example.name=a":           "",
		"simcore.service.settings=a":   "",
		"io.simcore.name=a":            `label io.simcore.name must be a JSON object, not "a": the platform hides images with any other value`,
		`io.simcore.name="a"`:          `label io.simcore.name must be a JSON object, not "\"a\"": the platform hides images with any other value`,
	} {
		key, text, _ := strings.Cut(label, "=")
		got := ""
		if err := CheckLabel(key, text); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("CheckLabel(%s) = %q, want %q", label, got, want)
		}
	}
}
