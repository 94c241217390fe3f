package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// checkPrograms finds components that call programs which no component of the
// target serves them with: they are left out, or known not to work.
func (l *loader) checkPrograms(f *File, t Target, n *node) {
	for i, name := range t.Components {
		c, ok := f.Component(name)
		if !ok {
			continue
		}
		called := calls(c)
		for _, stage := range slices.Sorted(maps.Keys(called)) {
			l.checkCalled(t, name, called[stage], providers(f, t, stage), n.element(i))
		}
	}
}

// checkCalled wants one of the components to have the programs. Where there is
// no component of the stage, checkNeeds tells whether that is wrong.
func (l *loader) checkCalled(t Target, name string, programs []string, from []stage.Tool, at problem.Position) {
	var first error
	for _, tool := range from {
		err := serves(tool, programs)
		if err == nil {
			return
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		l.problems.addError(at, "", fmt.Errorf("target %q: %s calls %w", t.Name, name, first))
	}
}

// providers is the components of a target that are made by the stage.
func providers(f *File, t Target, kind string) []stage.Tool {
	var out []stage.Tool
	for _, name := range t.Components {
		if c, ok := f.Component(name); ok && c.Shared().Stage == kind {
			out = append(out, c)
		}
	}
	return out
}

// calls is the programs that a tool calls, by the stage that has them, where it
// tells.
func calls(t stage.Tool) map[string][]string {
	if c, ok := t.(stage.Caller); ok {
		return c.Calls()
	}
	return nil
}

// serves asks a tool for programs. One that does not tell has all.
func serves(t stage.Tool, programs []string) error {
	if s, ok := t.(stage.Provider); ok {
		return s.Serves(programs)
	}
	return nil
}
