package stages

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func newSCT(version string) *SCT {
	return &SCT{Common: stage.Common{Name: "sct", Stage: "sct", Version: version, Prefix: "/opt/medimproc/sct"}, Data: true, Binaries: true,
		Miniforge: stage.Source{URL: sctMiniforge, SHA256: testkit.SHA256}}
}

func sctCases() []stageCase {
	return []stageCase{
		{"release", stagetest.Focal, func() stage.Tool {
			return testkit.With(newSCT("7.2"), func(s *SCT) { s.Owner = "1000:100" })
		}},
		{"archive", stagetest.Trixie, func() stage.Tool {
			return testkit.With(newSCT("7.1"), func(s *SCT) {
				s.Source = stage.Source{URL: "https://files.example/sct-7.1.tar.gz", SHA256: testkit.SHA256}
				s.Data, s.Binaries = false, false
			})
		}},
	}
}

func TestSCTErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*SCT)
		want   []string
	}{
		{"owner", func(s *SCT) { s.Owner = "jovyan:users" }, []string{`owner "jovyan:users"`, "hint:"}},
		{"long prefix", func(s *SCT) { s.Prefix = "/opt/" + strings.Repeat("x", 103) }, []string{"has 108 characters", "hint: choose a shorter prefix"}},
		{"unknown version", func(s *SCT) { s.Version = "6.5" }, []string{"no commit is known for sct 6.5", "hint: add its source"}},
		{"miniforge by git", func(s *SCT) { s.Miniforge = stage.Source{Git: "https://git.example/miniforge.git"} }, []string{"hint: give its url"}},
		{"no miniforge", func(s *SCT) { s.Miniforge = stage.Source{} }, []string{"miniforge: source " + sctMiniforge + " is not pinned", "hint:"}},
		{"loose miniforge", func(s *SCT) { s.Miniforge = stage.Source{URL: "https://files.example/m.sh"} }, []string{"miniforge: ", "is not pinned"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, testkit.With(newSCT("7.2"), tt.change), stagetest.Trixie(), tt.want...)
		})
	}
}

// TestSCTReleaseIsACommit: upstream has moved its tags.
func TestSCTReleaseIsACommit(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, newSCT("7.2"), stagetest.Trixie())
	if len(s.Inputs) != 2 || s.Inputs[0].Pin != "dcd638fe7b83dc318a2f895709c3649c3e7c7aa6" {
		t.Errorf("inputs are %+v", s.Inputs)
	}
}

func TestSCTOwner(t *testing.T) {
	t.Parallel()
	script := func(s *SCT) string {
		g := llbtest.Read(t, llbtest.End{State: *stagetest.Stage(t, s, stagetest.Trixie()).Layer})
		return g.Find("[sct] install packages").GetExec().Meta.Args[3]
	}
	if strings.Contains(script(newSCT("7.2")), "chown") {
		t.Error("the owner changes without a setting")
	}
	owned := script(testkit.With(newSCT("7.2"), func(s *SCT) { s.Owner = "1000:100" }))
	if i := strings.Index(owned, "chown -hR 1000:100 /opt/medimproc/sct"); i < strings.Index(owned, "compileall") {
		t.Errorf("the owner is not set last:\n%s", owned)
	}
}
