package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
	digest "github.com/opencontainers/go-digest"
)

// The page that shows the quickstart's graph, and where it begins and ends there.
const (
	readme     = "../../README.md"
	graphBegin = "```mermaid\n"
	graphEnd   = "```\n"
)

// TestReadmeShowsTheGraph holds the graph in the README to what plan draws of
// the quickstart's production target.
func TestReadmeShowsTheGraph(t *testing.T) {
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(page), graphBegin)
	shown, after, ends := strings.Cut(rest, graphEnd)
	if !begins || !ends {
		t.Fatal("the README has no graph")
	}
	drawn := quickstartPlan(t, "mermaid")
	switch {
	case *update:
		if err := os.WriteFile(readme, []byte(before+graphBegin+drawn+graphEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case shown != drawn:
		t.Errorf("the graph in the README is not current\nhint: go test ./cmd/medbuild -run Readme -update renews it\n%s", drawn)
	}
}

// TestReadmeShowsTheSummary holds the summary in the README to the layers that
// the quickstart's image has. Times and sizes are those of one run.
func TestReadmeShowsTheSummary(t *testing.T) {
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(page), "```\nproduction\n  part ")
	_, shown, _ = strings.Cut(shown, "\n")
	var planned struct {
		Targets []struct {
			Layers struct {
				Total int
				From  []struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal([]byte(quickstartPlan(t, "json")), &planned); err != nil {
		t.Fatal(err)
	}
	layers := planned.Targets[0].Layers
	lines := strings.Split(shown, "\n")
	for i, from := range layers.From {
		if fields := strings.Fields(lines[i]); len(fields) < 2 || fields[0] != from.Name {
			t.Errorf("line %d of the summary is %q, want %s", i+1, lines[i], from.Name)
		}
	}
	if want := fmt.Sprintf("  %d layers, ", layers.Total); !strings.HasPrefix(lines[len(layers.From)], want) {
		t.Errorf("%q, want %q", lines[len(layers.From)], want)
	}
}

// quickstartPlan is the plan of the quickstart, in a format, on a base that
// stands for the one which make quickstart makes.
func quickstartPlan(t *testing.T, format string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("HOME", dir)
	copyFiles(t, "../../examples/quickstart", filepath.Join(dir, "examples/quickstart"), "components.toml", "requirements.txt")
	knownBase(t, filepath.Join(dir, "out/trixie.tar"), filepath.Join(dir, "cache/medbuild"))
	o := options{allowFiles: []string{dir}, file: filepath.Join(dir, "examples/quickstart/components.toml"), platform: onlyPlatform, progress: "quiet", format: format}
	var drawn bytes.Buffer
	if err := runPlan(t.Context(), o, []string{"production"}, &drawn); err != nil {
		t.Fatal(problem.Text(err))
	}
	return drawn.String()
}

// knownBase writes a tar that stands for Debian 13, and what an earlier build
// would have kept of it.
func knownBase(t *testing.T, tar, cache string) {
	t.Helper()
	content := []byte("stands for a root file system")
	facts := stage.Facts{Digest: digest.FromBytes(content).String(), Distribution: "debian", Release: "13", Libc: "2.41", Layers: 1,
		Mirror: "http://mirror.example/debian/"}
	data, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	name := base.ProbeVersion + "-" + digest.FromBytes(content).Encoded() + ".json"
	put(t, tar, content)
	put(t, filepath.Join(cache, "bases", name), data)
}

func copyFiles(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(to, name), data)
	}
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
