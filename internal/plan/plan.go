// Package plan shows what a build would do without doing it: targets, their
// components, steps and layers as text for people, as JSON for programs, as
// DOT and Mermaid for pictures. It also lists the components of a file.
//
// What it writes is the same for the same images, byte for byte.
package plan

import (
	"fmt"
	"slices"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
	bk "github.com/moby/buildkit/client/llb"
)

// Plan is a build that was not run. Its JSON form is stable: keys are added,
// never renamed or removed, and no list is null.
type Plan struct {
	Targets []Target `json:"targets"` // in the order they were added
	Steps   []Step   `json:"steps"`   // of all targets, each once and after its inputs
}

// Target is one image of a plan.
type Target struct {
	Name       string      `json:"name"`
	Base       Base        `json:"base"`
	Packages   []string    `json:"packages"`   // distribution packages installed on the base, sorted
	Components []Component `json:"components"` // in the order of their layers
	Layers     Layers      `json:"layers"`
	Warnings   []string    `json:"warnings"` // what may go wrong although the image can be built
	Steps      []string    `json:"steps"`    // digests of all its steps, the last is Result
	Result     string      `json:"result"`   // digest of the step whose result is the image's files
}

// Base is what an image stands on. What is not known of it is "".
type Base struct {
	Name         string `json:"name"`
	Reference    string `json:"reference"`    // image, layout folder or tar file, as the user wrote it
	Digest       string `json:"digest"`       // of the image or file
	Distribution string `json:"distribution"` // "debian-13"
	Libc         string `json:"libc"`         // version of the GNU C library
	Python       string `json:"python"`       // version of /usr/bin/python3
}

// Component is one component of a target.
type Component struct {
	Name     string   `json:"name"`
	Stage    string   `json:"stage"`
	Version  string   `json:"version"`
	Prefix   string   `json:"prefix"` // "" when it has no layer
	Licence  Licence  `json:"licence"`
	Inputs   []Input  `json:"inputs"`
	Packages []string `json:"packages"` // distribution packages it needs at run time
	Tests    []string `json:"tests"`    // shell commands that must succeed
	Steps    []string `json:"steps"`    // digests of its own steps, each after its inputs
	At       string   `json:"at"`       // where the user wrote it, "file:line:col"
	Lacks    string   `json:"lacks"`    // what is left out although the component's name promises it, and why; "" for nothing
	Notes    []string `json:"notes"`    // which images share its layer, and why others do not
}

// Licence is a component's licence.
type Licence struct {
	SPDX          string `json:"spdx"` // SPDX expression; "" when it is not known
	NonCommercial bool   `json:"nonCommercial"`
}

// Input is something taken from outside.
type Input struct {
	Name    string `json:"name"`    // of the software or data
	Version string `json:"version"` // "" when it is not known
	Licence string `json:"licence"` // SPDX expression; "" when it is not known
	Kind    string `json:"kind"`    // "archive", "git", "image", "package" or "file"
	Address string `json:"address"` // URL, or the file's path
	Pin     string `json:"pin"`     // "sha256:…" or a git commit; "" when nothing pins it
	At      string `json:"at"`      // where the user wrote it, "file:line:col"

	Size int64 `json:"size,omitempty"` // bytes, where the user's file has it
}

// Add puts an image into the plan. def is its State, marshalled. A step that
// the plan has already is not added again.
func (p *Plan) Add(img assemble.Image, def *bk.Definition) error {
	steps, err := read(def)
	if err != nil {
		return fmt.Errorf("plan %s: %w", img.Name, err)
	}
	t := Target{Name: img.Name, Base: baseOf(img.Base), Packages: packages(img), Components: []Component{}, Layers: layersOf(img), Warnings: img.Warnings()}
	for _, part := range img.Parts {
		t.Components = append(t.Components, component(part, steps))
	}
	for _, s := range steps {
		t.Steps = append(t.Steps, s.Digest)
	}
	t.Result = t.Steps[len(t.Steps)-1]
	p.Targets = append(p.Targets, t)
	p.join(steps)
	return nil
}

// WithoutSources takes the lines of medbuild's own source out of the plan: they
// tell those something who work on a stage, and nobody else.
func (p *Plan) WithoutSources() {
	for i := range p.Steps {
		p.Steps[i].Source = ""
	}
}

// join adds the steps that are new.
func (p *Plan) join(steps []Step) {
	known := p.byDigest()
	for _, s := range steps {
		if _, ok := known[s.Digest]; !ok {
			p.Steps = append(p.Steps, s)
		}
	}
}

func (p *Plan) byDigest() map[string]Step {
	out := make(map[string]Step, len(p.Steps))
	for _, s := range p.Steps {
		out[s.Digest] = s
	}
	return out
}

func baseOf(b stage.Base) Base {
	out := Base{Name: b.Name, Reference: b.Reference, Digest: b.Digest, Libc: b.Libc, Python: b.Python}
	if b.Distribution != "" {
		out.Distribution = b.ID()
	}
	return out
}

func packages(img assemble.Image) []string {
	out := []string{}
	for _, p := range img.Parts {
		out = append(out, p.Runtime...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func component(p assemble.Part, steps []Step) Component {
	c := Component{
		Name: p.Name, Stage: p.Common.Stage, Version: p.Version, Prefix: p.Prefix,
		Licence:  Licence(p.Licence),
		Inputs:   inputs(p.Inputs),
		Packages: append([]string{}, p.Runtime...),
		Tests:    []string{},
		Steps:    []string{},
		At:       p.At.String(),
		Notes:    append([]string{}, p.Notes...),
		Lacks:    p.Lacks,
	}
	for _, s := range p.Smoke {
		c.Tests = append(c.Tests, s.Command)
	}
	for _, s := range steps {
		if s.owner() == (owner{llb.OfComponent, p.Name}) {
			c.Steps = append(c.Steps, s.Digest)
		}
	}
	return c
}

func inputs(in []llb.Input) []Input {
	out := []Input{}
	for _, i := range in {
		out = append(out, Input{Name: i.Name, Version: i.Version, Licence: i.Licence, Kind: string(i.Kind), Address: i.Address, Pin: i.Pin, At: i.At.String(), Size: i.Size})
	}
	return out
}
