package integration

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

// guide is the page that says how to add a component.
const guide = "docs/adding-a-component.md"

// shown is the guide's code in that language which has the text.
func shown(t *testing.T, language, text string) string {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(kit.ReadFile(t, kit.Path(guide)), -1) {
		if strings.Contains(m[1], text) {
			return m[1]
		}
	}
	t.Fatalf("%s shows no %s with %q", guide, language, text)
	return ""
}

// TestAddingWithATable builds the guide's example that needs no Go.
func TestAddingWithATable(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages; run without -short")
	}
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Head+shown(t, "toml", "[components.dcm2niix]")+kit.TargetOf("dcm2niix"))
	kit.WriteFile(t, filepath.Join(dir, "dcm2niix.txt"), shown(t, "text", "dcm2niix=="))
	kit.Built(t, dir).OK(t)
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "run", "--target", "all", "--", "/bin/sh", "-c",
		"cat /VERSION_MANIFEST.txt; dcm2niix -h | head -n 2; command -v python || echo no python in PATH"))).OK(t)
	for _, want := range []string{"DCM2NIIX_VERSION=1.0.20260724\n", "usage: dcm2niix", "no python in PATH"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in\n%s", want, r.Stdout)
		}
	}
}

// TestAddingWithAFile compiles medbuild with the guide's stage and builds its
// example with that.
func TestAddingWithAFile(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles medbuild and installs packages; run without -short")
	}
	kit.SharedEngine(t)
	program := withStage(t)
	dir := kit.Project(t, kit.Head+shown(t, "toml", "[components.niimath]")+kit.TargetOf("niimath"))
	kit.WriteFile(t, filepath.Join(dir, "niimath.txt"), shown(t, "text", "niimath=="))
	kit.Finish(t, kit.In(dir, exec.Command(program, "build", "--progress", "plain", "--target", "all"))).OK(t)
	r := kit.Finish(t, kit.In(dir, exec.Command(program, "run", "--target", "all", "--", "/bin/sh", "-c",
		"cat /VERSION_MANIFEST.txt; find /opt/niimath -type f; niimath | head -n 2"))).OK(t)
	for _, want := range []string{"NIIMATH_VERSION=1.0.20261016\n", "/opt/niimath/bin/niimath\n", "Math for NIfTI images"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in\n%s", want, r.Stdout)
		}
	}
	if strings.Count(r.Stdout, "/opt/niimath/") != 1 {
		t.Errorf("more than the program is in the layer:\n%s", r.Stdout)
	}
}

// withStage is a medbuild with the guide's file and line laid over this tree.
func withStage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "niimath.go"), shown(t, "go", "type Niimath struct"))
	registry := kit.ReadFile(t, kit.Path("stages/registry.go"))
	const begin = "return []stage.Kind{\n"
	if !strings.Contains(registry, begin) {
		t.Fatalf("stages/registry.go has no %q", begin)
	}
	kit.WriteFile(t, filepath.Join(dir, "registry.go"), strings.Replace(registry, begin, begin+shown(t, "go", `kind("niimath", `), 1))
	over := map[string]string{}
	for _, name := range []string{"niimath.go", "registry.go"} {
		over[kit.Path("stages/"+name)] = filepath.Join(dir, name)
	}
	kit.WriteFile(t, filepath.Join(dir, "overlay.json"), string(kit.Must(json.Marshal(map[string]any{"Replace": over}))(t)))
	program := filepath.Join(dir, "medbuild")
	kit.NoError(t, kit.GoBuild(".", program, "-overlay", filepath.Join(dir, "overlay.json"), "./cmd/medbuild"))
	return program
}

// TestAddingTables: the guide's further tables are right, as far as that can be
// told without the tools.
func TestAddingTables(t *testing.T) {
	text := shown(t, "toml", "[components.templates]")
	text = strings.Replace(text, `sha256 = "…"`, `sha256 = "`+strings.Repeat("5a", 32)+`"`, 1)
	text = strings.Replace(text, `commit = "…"`, `commit = "`+strings.Repeat("c0", 20)+`"`, 1)
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "scripts/pipeline.sh"), "#!/bin/sh\n")
	kit.WriteFile(t, filepath.Join(dir, "scripts/settings.json"), "{}\n")
	kit.WriteFile(t, filepath.Join(dir, "trixie.tar"), "")
	kit.WriteFile(t, filepath.Join(dir, "components.toml"),
		strings.Replace(kit.Head, "BASE", "trixie.tar", 1)+text+kit.TargetOf("templates", "jq", "tool", "scripts"))
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "stages"))).OK(t)
	if r.Stderr != "" || strings.Count(r.Stdout, "\n") != 12 { // the files have a line each, and so have base and target, below a blank line and a heading
		t.Errorf("%s%s", r.Stdout, r.Stderr)
	}
}
