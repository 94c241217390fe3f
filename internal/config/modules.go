package config

import (
	"fmt"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// checkModules finds components that import Python packages which no
// environment of the target has. A target without any environment is a problem
// that checkNeeds tells.
func (l *loader) checkModules(f *File, t Target, n *node) {
	var environments []stage.Environment
	for _, name := range t.Components {
		if c, ok := f.Component(name); ok {
			if p, ok := c.(stage.Environment); ok {
				environments = append(environments, p)
			}
		}
	}
	for i, name := range t.Components {
		c, ok := f.Component(name)
		if !ok || len(environments) == 0 {
			continue
		}
		for _, module := range modules(c) {
			l.checkModule(t, name, module, environments, n.element(i))
		}
	}
}

func (l *loader) checkModule(t Target, name, module string, environments []stage.Environment, at problem.Position) {
	for _, p := range environments {
		if l.imports(p, module) {
			return
		}
	}
	p := environments[0]
	l.problems.add(at, fmt.Sprintf("target %q: %s imports %s, which no python component of the target has", t.Name, name, module),
		fmt.Sprintf("add %s to %s, the requirements of %s", module, p.ListedIn(), p.Shared().Name))
}

// importer is a module in an environment.
type importer struct{ environment, module string }

// imports reports whether an environment has a module. It is asked once: the
// answer is in the requirements, which are read for it.
func (l *loader) imports(p stage.Environment, module string) bool {
	key := importer{p.Shared().Name, module}
	has, known := l.has[key]
	if !known {
		if l.has == nil {
			l.has = map[importer]bool{}
		}
		has = p.Has(module)
		l.has[key] = has
	}
	return has
}

// modules is the Python packages that a tool imports, where it tells.
func modules(t stage.Tool) []string {
	if m, ok := t.(stage.Importer); ok {
		return m.Modules()
	}
	return nil
}
