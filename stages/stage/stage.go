// Package stage is what a stage is: the contract between a tool and the images
// that it goes into, and what the files of tools share, such as sources,
// patterns and releases.
package stage

import (
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// Stage is what a component adds to an image.
type Stage struct {
	Common
	Licence   Licence
	Layer     *llb.State  // at Prefix; nil when the distribution's package is the component
	Places    []string    // what the layer holds, where that is not only Prefix
	Appends   []llb.Entry // what is added to the end of files of the base: their paths, and the content
	Inputs    []llb.Input // what the layer is made from
	Fetches   string      // what its own installer fetches in addition, unpinned; "" for nothing
	Runtime   []string    // distribution packages it needs at run time
	Without   []string    // files of those packages that the image does not get, absolute
	Lacks     string      // what is not in the component although its name promises it, and why; "" for nothing
	Called    []Called    // programs of other stages that what it was asked to keep calls
	Commands  []Command   // of the user's, that its layer is made with
	Path      []string    // folders for PATH, absolute, first first
	Programs  []string    // what it has in folders of PATH, absolute, as far as the settings tell
	Env       []string    // "KEY=value" in the image
	Questions []Question  // asked of the finished component
	Smoke     []Check     // run in the finished component
}

// Common is what every component can state.
type Common struct {
	Name    string           `toml:"-"`
	At      problem.Position `toml:"-"`
	Stage   string           `toml:"stage" doc:"the stage that builds the component; the one with the name of the component when left out"`
	Version string           `toml:"version" doc:"the version, as the tool itself reports it"`
	Answer  string           `toml:"version_answer" doc:"what the tool answers when it is asked its version, where that is another number than the version"`
	Prefix  string           `toml:"prefix" doc:"the folder of the component, in the build and in the image"`
	Secrets []string         `toml:"secrets" doc:"ids of the build secrets that its steps may read below /run/medbuild/secrets"`

	Keys map[string]problem.Position `toml:"-"` // where each key is stated; of a list's elements "smoke[0]"
}

// Shared is the settings common to all tools. Tools get the method by
// embedding Common.
func (c *Common) Shared() *Common { return c }

// Tool is the settings of one component.
type Tool interface {
	// Shared is the part all tools have. It can be written to.
	Shared() *Common
	// Stage is the component made on g. It has no effect beyond its result.
	Stage(g Ground) (Stage, error)
}

// Kind is a sort of component that components.toml can name as its stage.
type Kind struct {
	Name     string
	About    string      // one sentence
	Defaults func() Tool // settings as they are before the user's file is read
}

// Ground is what a component stands on: the base its layer is made on and the
// base it will run on. They differ when targets with different bases share the
// layer; then it is made on the one with the oldest C library.
type Ground struct {
	Build, Run Base

	AllowUnpinned bool // take sources and images that nothing pins, for this run
}

// Licence is the licence of a component.
type Licence struct {
	SPDX          string // SPDX expression, or LicenseRef-…
	NonCommercial bool   // use is limited to non-commercial purposes
}

// Question asks a tool its version.
type Question struct {
	Key     string // the manifest's line: MRTRIX3_VERSION
	Section Section
	Command string // shell; "" asks nothing: Tell is the version
	Pattern string // extended regular expression whose first group is the version; "/" is written "\/"
	Want    string // the version it must answer; "" takes any
	Tell    string // the version in the manifest; "" is the answer

	At problem.Position // where the command is stated; the zero value is nowhere
}

// Called is programs of another stage that a program of this one calls.
type Called struct {
	By       string   // the program that calls
	Stage    string   // whose programs they are
	Programs []string // what is called
}

// Section is a heading of the version manifest.
type Section string

// The manifest's sections, in their order.
const (
	Software Section = "Medical Imaging Software"
	Packages Section = "Python Packages"
)

// Check is a shell command that must succeed in the finished component.
type Check struct {
	Command string
	Shown   string           // what of it says what is checked; "" is all of it
	At      problem.Position // where it is stated; the zero value is nowhere
}

// Checks are checks of the commands.
func Checks(commands ...string) []Check {
	var out []Check
	for _, c := range commands {
		out = append(out, Check{Command: c})
	}
	return out
}

// Holds is the paths that the layer has files at; none without a layer.
func (s Stage) Holds() []string {
	switch {
	case s.Layer == nil:
		return nil
	case s.Places != nil:
		return s.Places
	}
	return []string{s.Prefix}
}
