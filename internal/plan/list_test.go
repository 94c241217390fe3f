package plan_test

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/stages"
)

// Every stage can be listed on the assumed base as soon as its settings are
// complete, so a listing needs no engine.
func TestAssumedServesEveryStage(t *testing.T) {
	l := &plan.List{}
	l.Add(mrtrix3(), plan.Assumed())
	l.Add(ants(), plan.Assumed())
	l.Add(&stages.Python{Common: stages.Common{Name: "python", Stage: "python", Version: "3.13", Prefix: "/opt/python"},
		Interpreter: "/usr/bin/python3", Requirements: stages.File{Path: "requirements.txt", Content: []byte("")}}, plan.Assumed())
	if problems := l.Problems(); len(problems) > 0 {
		t.Fatalf("problems: %q", problems)
	}
	for _, c := range l.Components {
		if c.Licence.SPDX == "" || !c.Pinned {
			t.Errorf("%s: licence %q, pinned %v", c.Name, c.Licence.SPDX, c.Pinned)
		}
	}
	listed := map[string]bool{}
	for _, c := range l.Components {
		listed[c.Stage] = true
	}
	for _, k := range stages.All() {
		if !listed[k.Name] {
			t.Errorf("stage %s is not tried here: add it", k.Name)
		}
	}
}

func TestUnpinned(t *testing.T) {
	for name, c := range map[string]struct {
		source stages.Source
		want   string
	}{
		"archive": {stages.Source{URL: "https://example.org/a.tar.gz"}, "https://example.org/a.tar.gz"},
		"git":     {stages.Source{Git: "https://example.org/a.git"}, "https://example.org/a.git"},
		"debian":  {stages.Source{Debian: "pool/a.tar.gz"}, "debian:pool/a.tar.gz"},
	} {
		tool := mrtrix3().(*stages.MRtrix3)
		tool.Source = c.source
		l := &plan.List{}
		l.Add(tool, plan.Assumed())
		got := l.Components[0]
		if got.Pinned || len(got.Inputs) != 1 || got.Inputs[0].Address != c.want || got.Inputs[0].Pin != "" || got.Problem == "" {
			t.Errorf("%s: %+v", name, got)
		}
		var b strings.Builder
		if err := l.Table(&b); err != nil || !strings.Contains(b.String(), "not pinned") {
			t.Errorf("%s: error %v, table\n%s", name, err, b.String())
		}
	}
}

// A use that a licence forbids is said in the table.
func TestNonCommercial(t *testing.T) {
	l := &plan.List{Components: []plan.Listed{{Name: "fsl", Licence: plan.Licence{SPDX: "LicenseRef-FSL", NonCommercial: true}}}}
	var b strings.Builder
	if err := l.Table(&b); err != nil || !strings.Contains(b.String(), "LicenseRef-FSL (non-commercial)") {
		t.Errorf("error %v, table\n%s", err, b.String())
	}
}
