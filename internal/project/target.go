package project

import (
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// Target is an image that can be built: what the file says of it, with the base
// and the components that it names.
type Target struct {
	Name       string
	Base       stage.BaseSettings
	Components []Component // in the order of their layers
	Names      []string    // references of the image, the first of them in reports

	settings config.Target
	image    config.Image
}

// At is where the user wrote the target.
func (t Target) At() problem.Position { return t.settings.At }

// has reports whether the component is in the target.
func (t Target) has(component string) bool {
	return slices.ContainsFunc(t.Components, func(c Component) bool { return c.Name() == component })
}

// resolved is a target of the file with what it names.
func (p *Project) resolved(f *config.File, settings config.Target) Target {
	t := Target{Name: settings.Name, settings: settings, image: p.image}
	t.Base, _ = f.Base(settings.Base)
	for _, name := range settings.Components {
		if c, ok := p.Component(name); ok {
			t.Components = append(t.Components, c)
		}
	}
	t.Names = t.reference("")
	return t
}

// Select is the targets of those names, or the only one when none is named. A
// component's name stands for an image with that component alone.
//
// The error has all that is wrong with them, their bases and their components;
// what is wrong elsewhere in the file is nobody's who does not ask for it.
func (p *Project) Select(names []string) ([]Target, error) {
	targets, err := p.named(names)
	if err != nil {
		return nil, err
	}
	var parts []config.Part
	for _, t := range targets {
		parts = append(parts, t.parts()...)
	}
	if err := p.file.Wrong(parts...); err != nil {
		return nil, err
	}
	return targets, nil
}

// parts is the tables of the file that make a target.
func (t Target) parts() []config.Part {
	out := []config.Part{config.TargetPart(t.settings.Name), config.BasePart(t.Base.Name)}
	for _, c := range t.Components {
		out = append(out, config.ComponentPart(c.Name()))
	}
	for _, name := range t.settings.Components { // one that cannot be read is no Component
		out = append(out, config.ComponentPart(name))
	}
	return out
}

func (p *Project) named(names []string) ([]Target, error) {
	if len(names) == 0 && len(p.Targets) == 1 {
		return p.Targets, nil
	}
	if len(names) == 0 {
		return nil, problem.Usagef("no target given").Hint("--target takes one of %s", p.choice())
	}
	var out []Target
	for _, name := range names {
		t, err := p.target(name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// Has reports whether there is a target or a component of the name.
func (p *Project) Has(name string) bool {
	_, component := p.Component(name)
	return component || slices.ContainsFunc(p.Targets, func(t Target) bool { return t.Name == name })
}

func (p *Project) target(name string) (Target, error) {
	for _, t := range p.Targets {
		if t.Name == name {
			return t, nil
		}
	}
	c, ok := p.Component(name)
	if !ok && p.declared(name) != nil {
		return Target{}, p.declared(name)
	}
	if !ok {
		return Target{}, problem.Usagef("no target or component %q in %s", name, p.Path).Hint("--target takes one of %s", p.choice())
	}
	if t, ok := p.alone(c); ok {
		return t, nil
	}
	return Target{}, problem.At(c.Tool.Shared().At, "",
		problem.Usagef("no target has the component %q, so its base is not known", name).Hint("add %q to the components of a target", name))
}

// declared is what is wrong with a target or a component that is in the file and
// cannot be read.
func (p *Project) declared(name string) error {
	return p.file.Wrong(config.TargetPart(name), config.ComponentPart(name))
}

// alone is an image of one component on the base of the first target that has
// it, or on the only base. Its name has the component's behind the image's.
func (p *Project) alone(c Component) (Target, bool) {
	t := Target{Name: c.Name(), Components: []Component{c}, image: p.image}
	t.Names = t.reference("-" + c.Name())
	for _, declared := range p.Targets {
		if declared.has(c.Name()) && declared.Base.Name != "" {
			t.Base, t.settings.At = declared.Base, declared.At()
			return t, true
		}
	}
	if len(p.Bases) != 1 {
		return Target{}, false
	}
	t.Base, t.settings.At = p.Bases[0], c.Tool.Shared().At
	return t, true
}

// maxChoice is how many names are told.
const maxChoice = 50

// choice is the names that Select takes, with commas between them, the first of
// them where there are many.
func (p *Project) choice() string {
	var out []string
	for _, t := range p.Targets {
		out = append(out, t.Name)
	}
	for _, c := range p.Components {
		if len(c.On) > 0 || len(p.Bases) == 1 {
			out = append(out, c.Name())
		}
	}
	if len(out) > maxChoice {
		out = append(out[:maxChoice], "…")
	}
	return strings.Join(out, ", ")
}
