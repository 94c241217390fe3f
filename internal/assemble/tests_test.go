package assemble

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

// TestOutcomesAreOutputsAlone: they hold times, so nothing in an image may be made
// from them.
func TestOutcomesAreOutputsAlone(t *testing.T) {
	t.Parallel()
	for name, target := range targetCases() {
		for _, op := range llbtest.Read(t, llbtest.End{State: assembled(t, target()).State}).Ops {
			for _, from := range op.From {
				if strings.HasSuffix(from, ":"+outcomesFolder) {
					t.Errorf("%s: %s is made from %s", name, op.Name, from)
				}
			}
		}
	}
}

// TestOutcomesAndAnswersAreOfOneStep: to read the outcomes runs nothing again.
func TestOutcomesAndAnswersAreOfOneStep(t *testing.T) {
	t.Parallel()
	for _, p := range assembled(t, targetCases()["production"]()).Parts {
		g := llbtest.Read(t, llbtest.End{Name: "answers", State: p.Tested}, llbtest.End{Name: "outcomes", State: p.Outcomes})
		step := "[" + p.Name + "] test:"
		if g.Ends["answers"] != step+answersFolder || g.Ends["outcomes"] != step+outcomesFolder {
			t.Errorf("%s: %v", p.Name, g.Ends)
		}
		script := g.Find("[" + p.Name + "] test").GetExec().Meta.Args[3]
		if !strings.Contains(script, " outcomes="+llb.Run+"/outcomes/"+OutcomesFile+" ") {
			t.Errorf("%s: the outcomes are written elsewhere:\n%s", p.Name, script)
		}
	}
}
