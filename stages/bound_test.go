package stages

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
)

// TestUnpackedSize: each stage that unpacks an archive as it is takes its size.
func TestUnpackedSize(t *testing.T) {
	t.Parallel()
	for name, tool := range map[string]func(b stage.Bound) stage.Tool{
		"archive": func(b stage.Bound) stage.Tool {
			return testkit.With(newArchive(), func(a *Archive) { a.Bound, a.Modes = b, []string{"bin/sudo"} })
		},
		"art":  func(b stage.Bound) stage.Tool { return testkit.With(newART(), func(a *ART) { a.Bound = b }) },
		"c3d":  func(b stage.Bound) stage.Tool { return testkit.With(newC3D(), func(c *C3D) { c.Bound = b }) },
		"make": func(b stage.Bound) stage.Tool { return testkit.With(newMake(), func(m *Make) { m.Bound = b }) },
	} {
		if text := stageScripts(t, tool(stage.Bound{Unpacked: "3.5 GB"})); !strings.Contains(text, "most=3500000000\n") {
			t.Errorf("%s does not heed its size:\n%s", name, text)
		}
		if text := stageScripts(t, tool(stage.Bound{})); !strings.Contains(text, "most=0\n") {
			t.Errorf("%s: %s", name, text)
		}
		testkit.WantText(t, tool(stage.Bound{Unpacked: "0 GB"}).(stage.Checker).Check(), `unpacked "0 GB" is not a size`, "hint: write it as in unpacked = ")
	}
	git := testkit.With(newArchive(), func(a *Archive) {
		a.Source, a.Unpacked = stage.Source{Git: "https://git.example/tool.git", Commit: testkit.Commit}, "3 GB"
	})
	testkit.WantText(t, git.Check(), "unpacked is the size of an archive, but the source is not one")
}

func TestArchiveKeepsModes(t *testing.T) {
	t.Parallel()
	text := stageScripts(t, testkit.With(newArchive(), func(a *Archive) { a.Modes, a.To = []string{"share/bin/sudo-thing"}, "share" }))
	if !strings.Contains(text, "! -path /opt/tool/share/bin/sudo-thing -fprint") {
		t.Error(text)
	}
}

// stageScripts is what the steps of a tool's layer are.
func stageScripts(t *testing.T, tool stage.Tool) string {
	t.Helper()
	s, err := tool.Stage(stage.Ground{Build: stagetest.Trixie(), Run: stagetest.Trixie()})
	if err != nil {
		t.Fatal(err)
	}
	return llbtest.Read(t, llbtest.End{Name: "layer", State: *s.Layer}).String()
}
