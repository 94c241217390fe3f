package project

import (
	"errors"
	"maps"
	"slices"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// Refused tells what stands against building the targets, before an engine is
// looked for: bases and sources that nothing pins and licences that are not
// accepted, all at once, so that whoever mends them sees the whole list.
func Refused(targets []Target, kept Kept) error {
	var bases, components []error
	seen := map[string]bool{}
	for _, t := range targets {
		if !seen["base "+t.Base.Name] {
			bases = append(bases, loosePin(t.Base))
		}
		seen["base "+t.Base.Name] = true
		for _, c := range t.Components {
			if !seen[c.Name()] {
				components = append(components, c.refused(kept)...)
			}
			seen[c.Name()] = true
		}
	}
	return errors.Join(append(bases, components...)...)
}

// Unfilled tells what the owners of services have not filled in, unless their
// targets say that they are placeholders.
func Unfilled(targets []Target) error {
	var all []error
	seen := map[problem.Position]bool{}
	for _, t := range targets {
		if t.settings.Placeholder {
			continue
		}
		for _, e := range t.settings.Osparc.Open {
			if !seen[e.At] {
				all = append(all, e)
			}
			seen[e.At] = true
		}
	}
	return errors.Join(all...)
}

func loosePin(b stage.BaseSettings) error {
	if err := b.Usable(false); unpinned(err) {
		return problem.At(b.At, "base "+b.Name, err)
	}
	return nil
}

// refused is the component's licence, and what nothing pins. All else that may
// be wrong depends on the base.
func (c Component) refused(kept Kept) []error {
	var all []error
	if licensed, ok := c.Tool.(stage.Licensed); ok {
		all = append(all, licensed.Accepted())
	}
	on := c.Listed(kept)
	_, err := c.Tool.Stage(stage.Ground{Build: on, Run: on})
	for _, err := range problem.List(err) {
		if unpinned(err) {
			all = append(all, err)
		}
	}
	for i, err := range all {
		all[i] = problem.At(c.Tool.Shared().At, c.Name(), err)
	}
	return all
}

func unpinned(err error) bool { return errors.Is(err, stage.ErrUnpinned) }

// CheckSecrets misses the secrets that components of the targets name, and
// refuses those that none names.
func CheckSecrets(targets []Target, given map[string][]byte) error {
	named := map[string]bool{}
	for _, t := range targets {
		for _, c := range t.Components {
			for _, id := range c.Tool.Shared().Secrets {
				named[id] = true
				if _, ok := given[id]; !ok {
					return c.lacks(id)
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(given)) {
		if !named[id] {
			return problem.Usagef("--secret: no component in this build uses the secret %s", id).
				Hint("add secrets = [%q] to the component that needs it", id)
		}
	}
	return nil
}

func (c Component) lacks(secret string) error {
	return problem.At(c.Tool.Shared().At, "", problem.Usagef("component %s needs the secret %s", c.Name(), secret).
		Hint("add --secret id=%s,src=<path>", secret))
}

// CheckNoCache refuses names of components that the project does not have.
func (p *Project) CheckNoCache(names []string) error {
	for _, name := range names {
		if _, ok := p.Component(name); !ok {
			return problem.Usagef("--no-cache: no component %q in %s", name, p.Path)
		}
	}
	return nil
}
