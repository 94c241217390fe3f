package project

import (
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/medbuild/medbuild/internal/problem"
)

// reference is the name and the version that the file gives the image. suffix
// stands behind the name.
func (t Target) reference(suffix string) []string {
	name := t.image.Name
	if t.settings.ImageName != "" {
		name = t.settings.ImageName
	}
	return []string{name + suffix + ":" + t.image.Version}
}

// Tagged gives the only target other names than the file's; without any the
// targets stay as they are.
func Tagged(targets []Target, tags []string) ([]Target, error) {
	for _, tag := range tags {
		if err := checkTag(tag); err != nil {
			return nil, err
		}
	}
	switch {
	case len(tags) == 0:
		return targets, nil
	case len(targets) > 1:
		return nil, problem.Usagef("--tag names one image, but several targets are built").Hint("give each target a name in the file")
	}
	out := slices.Clone(targets)
	for i := range out {
		out[i].Names = tags
	}
	return out, nil
}

// checkTag refuses what is no name of an image, before hours go by.
func checkTag(tag string) error {
	named, err := reference.ParseNormalizedNamed(tag)
	if err != nil {
		return problem.Usagef("--tag %q: %w", tag, err).Hint("write it as in --tag registry.example.org/name:1.0")
	}
	if _, ok := named.(reference.Digested); ok {
		return problem.Usagef("--tag %q has a digest, which only the build determines", tag).Hint("leave out the part from @ on")
	}
	return nil
}

// Pushable wants a registry in every name: a name without one is Docker Hub's,
// where the file's names belong to others.
func Pushable(targets []Target) error {
	for _, t := range targets {
		for _, name := range t.Names {
			host, _, named := strings.Cut(name, "/")
			if !named || host != "localhost" && !strings.ContainsAny(host, ".:") {
				return problem.Usagef("--push: %s has no registry in its name", name).Hint("name one, as in --tag registry.example.org/%s", name)
			}
		}
	}
	return nil
}

// Distinct refuses targets of one name, for where images go by their names: the
// last would take the others' place.
func Distinct(targets []Target) error {
	of := map[string]string{}
	for _, t := range targets {
		for _, name := range t.Names {
			if other, ok := of[name]; ok {
				return problem.Usagef("targets %s and %s have the same image name %s", other, t.Name, name).
					Hint("give each target a name in the file, or build them one after the other")
			}
			of[name] = t.Name
		}
	}
	return nil
}
