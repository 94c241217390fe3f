package assemble

import (
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func someParts() []Part {
	layer := llb.Scratch()
	return []Part{
		{Stage: stage.Stage{Common: stage.Common{Name: "mrtrix3", Version: "3.0.4", Prefix: "/opt/mrtrix3"}, Licence: stage.Licence{SPDX: "MPL-2.0"}, Layer: &layer,
			Inputs: []llb.Input{{Kind: llb.Git, Address: "https://me:secret@git.example/mrtrix3.git", Pin: testkit.Commit}}}},
		{Stage: stage.Stage{Common: stage.Common{Name: "fsl", Version: "6.0.7.18", Prefix: "/opt/fsl"}, Licence: stage.Licence{SPDX: "LicenseRef-FSL", NonCommercial: true}, Layer: &layer}},
		{Stage: stage.Stage{Common: stage.Common{Name: "ants"}, Runtime: []string{"ants"}}},
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	want := `
# For non-commercial use only

fsl

# mrtrix3

Version: 3.0.4
Licence: MPL-2.0
Place: /opt/mrtrix3
Source: https://git.example/mrtrix3.git ` + testkit.Commit + `

# fsl

Version: 6.0.7.18
Licence: LicenseRef-FSL
Use: non-commercial only
Place: /opt/fsl

# ants

Version: not stated
Licence: not known
Packages: ants
`
	got := notices(someParts())
	if !strings.HasSuffix(got, want) || !strings.HasPrefix(got, "# Third-party notices\n") {
		t.Errorf("notices:\n%s\nwant at their end:\n%s", got, want)
	}
	if got := notices(someParts()[:1]); strings.Contains(got, "commercial") {
		t.Errorf("notices without such a licence:\n%s", got)
	}
}

func TestNonCommercial(t *testing.T) {
	t.Parallel()
	if got := NonCommercial(someParts()); !slices.Equal(got, []string{"fsl"}) {
		t.Errorf("%q", got)
	}
}

// TestEveryImageHasNotices: they are written beside the version manifest.
func TestEveryImageHasNotices(t *testing.T) {
	t.Parallel()
	for name, target := range targetCases() {
		g := llbtest.Read(t, llbtest.End{State: assembled(t, target()).State})
		script := g.Find("[manifest] write").GetExec().Meta.Args[3]
		if !strings.Contains(script, "\nplace notices "+NoticesPath+"\n") {
			t.Errorf("%s: no notices are written:\n%s", name, script)
		}
	}
}
