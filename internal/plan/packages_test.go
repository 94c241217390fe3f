package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages"
)

// condaOf is a component of as many packages of one host, and two of another.
func condaOf(packages int) stage.Tool {
	var lock strings.Builder
	line := func(host, name string) {
		fmt.Fprintf(&lock, "1500000\t%s\thttps://%s/linux-64/%s-1.0-h1_0.conda\tMIT\n", digits, host, name)
	}
	for i := range packages {
		line("conda.example", fmt.Sprintf("lib%d", i))
	}
	line("other.example", "tool")
	line("other.example", "tools")
	return &stages.Conda{
		Common: stage.Common{Name: "env", Stage: "conda", Version: "1.0", Prefix: "/opt/env", At: problem.Position{File: "components.toml", Line: 4, Col: 1}},
		Lock:   stage.File{Path: "env.tsv", Content: []byte(lock.String())}, Generic: stage.Generic{Licence: "MIT", VersionCommand: "tool --version"},
	}
}

// Many conda packages are one line, one node and one edge for people; those of
// which there are few, and all of them for programs, stand by themselves.
func TestManyCondaPackagesAreOne(t *testing.T) {
	t.Parallel()
	const heap = "80 conda packages from conda.example, 120.0 MB"
	p := planned(t, assembled(t, "production", debian(3), condaOf(80)))
	for format, write := range writers(p) {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		alone := strings.Count(out, "lib7-1.0")
		if format == "json" {
			if strings.Contains(out, heap) || strings.Count(out, `"size": 1500000`) != 82 || alone != 2 {
				t.Errorf("json has not every package, %d times lib7", alone)
			}
			continue
		}
		want := map[string]int{"text": 2, "dot": 1, "mermaid": 1}[format]
		if strings.Count(out, heap) != want || alone != 0 || !strings.Contains(out, "fetch "+heap) || !strings.Contains(out, "fetch tool-1.0-h1_0.conda") {
			t.Errorf("%s names the packages otherwise:\n%s", format, out)
		}
		if lines := strings.Count(out, "\n"); lines > 60 {
			t.Errorf("%s has %d lines", format, lines)
		}
	}
}

// An edge leads from what stands for the packages to what takes them, and none
// to what is not there.
func TestHeapedEdges(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := planned(t, assembled(t, "production", debian(3), condaOf(80))).Mermaid(&b); err != nil {
		t.Fatal(err)
	}
	nodes := map[string]string{}
	for line := range strings.Lines(b.String()) {
		if id, label, ok := strings.Cut(strings.TrimSpace(line), `["`); ok {
			nodes[id] = label
		}
	}
	edges := 0
	for line := range strings.Lines(b.String()) {
		from, to, ok := strings.Cut(strings.TrimSpace(line), " --> ")
		if !ok {
			continue
		}
		if nodes[from] == "" || nodes[to] == "" {
			t.Errorf("an edge from %q to %q", nodes[from], nodes[to])
		}
		if strings.HasPrefix(nodes[from], "fetch 80 conda packages") {
			edges++
		}
	}
	if edges != 1 {
		t.Errorf("%d edges from the packages, want one", edges)
	}
}

func TestFewCondaPackagesAreThemselves(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := planned(t, assembled(t, "production", debian(3), condaOf(3))).Text(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "conda packages") || !strings.Contains(b.String(), "lib2-1.0-h1_0.conda") {
		t.Errorf("three packages:\n%s", b.String())
	}
}

func TestListedCondaPackages(t *testing.T) {
	t.Parallel()
	l := &plan.List{}
	l.Add(condaOf(80), assemble.Assumed())
	var b strings.Builder
	if err := l.Table(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "sha256 each") || !strings.Contains(b.String(), "80 conda packages from conda.example, 120.0 MB") || strings.Count(b.String(), "\n") != 5 {
		t.Errorf("the list is\n%s", b.String())
	}
	if len(l.Components[0].Inputs) != 83 {
		t.Errorf("programs get %d inputs", len(l.Components[0].Inputs))
	}
}
