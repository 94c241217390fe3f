// Package lint holds the files that a code host reads to what they should be:
// workflows, forms for issues, the configuration of Dependabot. It is a module of
// its own, so that medbuild does not need what these tests need.
package lint

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	root      = "../.."
	workflows = root + "/.github/workflows"
)

// decode reads a YAML file, strictly where v is a struct.
func decode(t *testing.T, file string, v any) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// files are those that match, at least one.
func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("no file is %s (%v)", pattern, err)
	}
	return found
}
