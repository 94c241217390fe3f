package base

import (
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// Flat is the base with all its files in one layer. Copying them takes a moment
// once, and space on the engine for another base.
func Flat(b stage.Base) stage.Base {
	b.Root = llb.Step{
		Owner:     llb.OfBase,
		Component: "base",
		Action:    "flatten",
		On:        b.Root,
		Script:    "cp -a " + llb.Run + "/base/. " + llb.Run + "/flat/",
		Inputs:    []llb.Mount{{Target: llb.Run + "/base", State: b.Root}},
		At:        here(),
	}.Copied(llb.Run + "/flat")
	b.Layers = 1
	return b
}
