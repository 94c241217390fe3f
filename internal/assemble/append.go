package assemble

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

//go:embed scripts/append.sh
var appendScript string

const appendAction = "add to files of the base"

// appendFolder is where the step has what is added, a file for each.
const appendFolder = llb.Run + "/in"

// appended is on with what is added to its files: one layer. A layer of a
// component's own could not have them: it knows no base that it will lie over.
func appended(does llb.Operation, on llb.State, entries []llb.Entry) llb.State {
	if len(entries) == 0 {
		return on
	}
	files := map[string][]byte{}
	var calls strings.Builder
	for i, e := range entries {
		name := fmt.Sprintf("%03d", i)
		files[name] = e.Content
		fmt.Fprintf(&calls, "append %s %s\n", llb.Word(e.Path), appendFolder+"/"+name)
	}
	return llb.Step{
		Owner:     does.Owner,
		Component: does.Component,
		Action:    does.Action,
		On:        on,
		Script:    llb.Fill(appendScript, llb.Values{"EPOCH": fmt.Sprint(llb.Epoch)}, nil) + calls.String(),
		Inputs:    []llb.Mount{{Target: appendFolder, State: llb.Folder("what is added to files", files)}},
		At:        here(),
	}.Root()
}

// appends are what all components add, in their order.
func appends(parts []Part) []llb.Entry {
	var out []llb.Entry
	for _, p := range parts {
		out = append(out, p.Appends...)
	}
	return out
}

// withAppended is on with what a component adds.
func withAppended(s stage.Stage, on llb.State) llb.State {
	return appended(llb.Operation{Component: s.Name, Action: appendAction}, on, s.Appends)
}
