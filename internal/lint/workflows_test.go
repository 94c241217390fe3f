package lint

import (
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

// TestWorkflows asks actionlint, which asks shellcheck of the commands.
func TestWorkflows(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Fatal("shellcheck is missing\nhint: make lint-shell installs it")
	}
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: shellcheck})
	if err != nil {
		t.Fatal(err)
	}
	found, err := linter.LintRepository(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		t.Error(e)
	}
}

// TestPinned wants every action by its commit, with the version it was in a
// comment.
func TestPinned(t *testing.T) {
	for _, file := range files(t, workflows+"/*.yml") {
		var doc yaml.Node
		decode(t, file, &doc)
		for _, use := range uses(&doc) {
			if fault := unpinned(use.Value, use.LineComment); fault != "" {
				t.Errorf("%s:%d: %s: %s", file, use.Line, use.Value, fault)
			}
		}
	}
}

// TestPermissions wants a workflow to read alone; a job that needs more says so
// itself.
func TestPermissions(t *testing.T) {
	want := map[string]string{"contents": "read"}
	for _, file := range files(t, workflows+"/*.yml") {
		var w struct {
			Permissions map[string]string `yaml:"permissions"`
			Rest        map[string]any    `yaml:",inline"`
		}
		decode(t, file, &w)
		if !maps.Equal(w.Permissions, want) {
			t.Errorf("%s: permissions are %v, want %v", file, w.Permissions, want)
		}
	}
}

func TestUnpinned(t *testing.T) {
	commit := strings.Repeat("0f", 20)
	for _, c := range []struct {
		use, comment string
		ok           bool
	}{
		{"./.github/workflows/test.yml", "", true},
		{"some/action@" + commit, "# v1.2.3", true},
		{"some/action/below@" + commit, "# v1.2.3", true},
		{"some/action@" + commit, "", false},
		{"some/action@" + commit, "# latest", false},
		{"some/action@" + commit[1:], "# v1.2.3", false},
		{"some/action@v1.2.3", "# v1.2.3", false},
		{"some/action@main", "# v1.2.3", false},
		{"docker://alpine:3", "# v3.0.0", false},
	} {
		if fault := unpinned(c.use, c.comment); (fault == "") != c.ok {
			t.Errorf("%s %s: %q", c.use, c.comment, fault)
		}
	}
}

// TestUsesAreFound guards TestPinned: a walk that finds nothing finds no fault.
func TestUsesAreFound(t *testing.T) {
	var doc yaml.Node
	text := "jobs: {a: {uses: x/y@v1}, b: {steps: [{uses: z@main}]}}"
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if got := uses(&doc); len(got) != 2 || got[0].Value != "x/y@v1" || got[1].Value != "z@main" {
		t.Errorf("got %v", got)
	}
	for _, name := range []string{"test", "lint", "long", "release"} {
		decode(t, filepath.Join(workflows, name+".yml"), &doc)
		if len(uses(&doc)) == 0 {
			t.Errorf("%s.yml uses nothing", name)
		}
	}
}

// uses are the values of all keys of that name.
func uses(n *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "uses" {
			out = append(out, child)
		}
		out = append(out, uses(child)...)
	}
	return out
}

var (
	pinned  = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}$`)
	release = regexp.MustCompile(`^# v\d+\.\d+\.\d+$`)
)

// unpinned says what a use lacks; what lies in this repository needs nothing.
func unpinned(use, comment string) string {
	switch {
	case strings.HasPrefix(use, "./"):
		return ""
	case !pinned.MatchString(use):
		return "want a commit of 40 hex digits"
	case !release.MatchString(comment):
		return "want its version in a comment, such as # v1.2.3"
	}
	return ""
}
