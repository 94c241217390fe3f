package assemble

import (
	"path"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// The folders that a component's test step writes to: the answers, a file for
// each section of the manifest, and what became of each question and check.
const (
	answersFolder  = llb.Run + "/answers"
	outcomesFolder = llb.Run + "/outcomes"
)

// OutcomesFile is the file of a part's Outcomes that stage.ParseOutcomes reads.
const OutcomesFile = "outcomes.jsonl"

// tested asks a component its versions and runs its smoke tests on a root file
// system that has no other component, so that a change of one component tests
// no other. The versions come first: a release other than the one stated fails
// tests for reasons that mislead. The outcomes hold times, so that nothing is
// made from them.
func tested(s stage.Stage, base stage.Base, root llb.State, env []string) (answers, outcomes llb.State) {
	out := llb.Step{
		Component: s.Name,
		Action:    "test",
		On:        root,
		Env:       env,
		Script:    stage.Prepare(answersFolder, path.Join(outcomesFolder, OutcomesFile), "/tmp/said") + stage.LicensedScript + stage.TestScript + listed(s, base) + s.Calls(),
		At:        here(),
	}.Outputs(answersFolder, outcomesFolder)
	return out[0], out[1]
}
