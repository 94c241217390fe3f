package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

func TestParseMount(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"in", "C:", "C:/data", "a:b"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for in, want := range map[string]Mount{
		"in:/data":          {Host: "in", Container: "/data"},
		"./in/:/data/":      {Host: "./in/", Container: "/data"},
		"in:/data:ro":       {Host: "in", Container: "/data", Readonly: true},
		"in:/data:rw":       {Host: "in", Container: "/data"},
		"in:/a/../b":        {Host: "in", Container: "/b"},
		"C:/data:/data:ro":  {Host: "C:/data", Container: "/data", Readonly: true},
		"C:/data:/data":     {Host: "C:/data", Container: "/data"},
		"a:b:/data":         {Host: "a:b", Container: "/data"},
		dir + "/in:/data":   {Host: dir + "/in", Container: "/data"},
		dir + ":/data:ro":   {Host: dir, Container: "/data", Readonly: true},
		"in:/data:with/dir": {},
	} {
		got, err := ParseMount(in)
		if want == (Mount{}) {
			if err == nil {
				t.Errorf("ParseMount(%q) = %+v, want an error", in, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("ParseMount(%q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestParseMountErrors(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"":                  "not HOST:CONTAINER",
		"/data":             "not HOST:CONTAINER",
		":/data":            "not HOST:CONTAINER",
		`C:\data`:           "not HOST:CONTAINER",
		dir + ":data":       "",
		dir + ":/":          "not an absolute path below /",
		dir + ":/data:rx":   `unknown option "rx"`,
		"absent:/data":      "mkdir -p absent",
		"file:/data":        "not a folder",
		`C:\absent:/data`:   `C:\absent does not exist`,
		dir + ":../up:ro":   "not an absolute path below /",
		dir + ":rel/dir:ro": "not an absolute path below /",
	} {
		got, err := ParseMount(in)
		if err == nil || !strings.Contains(problem.Text(err), want) {
			t.Errorf("ParseMount(%q) = %+v, %v; want an error with %q", in, got, err, want)
		}
	}
}
