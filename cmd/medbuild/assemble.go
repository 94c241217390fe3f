package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/llb"
	"github.com/urfave/cli/v2"
)

// target is the target of that name, or one made of the component of that name
// on the base of the first target that has it, or on the file's only base.
func target(file *config.File, name string) (config.Target, error) {
	if t, ok := file.Target(name); ok {
		return t, nil
	}
	for _, t := range file.Targets {
		if slices.Contains(t.Components, name) {
			return config.Target{Name: name, At: t.At, Base: t.Base, Components: []string{name}}, nil
		}
	}
	tool, ok := file.Component(name)
	switch {
	case ok && len(file.Bases) == 1:
		return config.Target{Name: name, At: tool.Shared().At, Base: file.Bases[0].Name, Components: []string{name}}, nil
	case ok:
		return config.Target{}, fmt.Errorf("%s: no target has the component %q, so nothing says its base\nhint: add %q to the components of a target", tool.Shared().At, name, name)
	}
	return config.Target{}, fmt.Errorf("no target or component %q in %s\nhint: --target takes one of %s", name, file.Path, strings.Join(targetNames(file), ", "))
}

// targetNames are the targets and the components that can stand for one.
func targetNames(file *config.File) []string {
	var out []string
	for _, t := range file.Targets {
		out = append(out, t.Name)
	}
	for _, c := range file.Components {
		if name := c.Shared().Name; len(basesWith(file, name)) > 0 || len(file.Bases) == 1 {
			out = append(out, name)
		}
	}
	return out
}

// assembled puts a target together on its base.
func assembled(c *cli.Context, s *session, file *config.File, t config.Target) (assemble.Image, error) {
	all := bases{}
	err := all.learn(file, []config.Target{t}, func(b stage.BaseSettings) (stage.Base, error) { return s.base(c.Context, b) })
	if err != nil {
		return assemble.Image{}, err
	}
	img, err := assembleOn(c, file, t, all, generated(s.created))
	for _, w := range img.Warnings() {
		if tell := say(c); tell != nil {
			tell("warning: " + w)
		}
	}
	return img, err
}

// bases is the bases of the file that are known, by name.
type bases map[string]stage.Base

// learn asks for the bases that the targets stand on, and then for those that
// their layers may be made on.
func (b bases) learn(file *config.File, targets []config.Target, ask func(stage.BaseSettings) (stage.Base, error)) error {
	for _, names := range []func(config.Target) []string{
		func(t config.Target) []string { return []string{t.Base} },
		func(t config.Target) []string { return basesBeside(file, t, b[t.Base]) },
	} {
		for _, t := range targets {
			if err := b.add(file, names(t), ask); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b bases) add(file *config.File, names []string, ask func(stage.BaseSettings) (stage.Base, error)) error {
	for _, name := range names {
		if _, ok := b[name]; ok {
			continue
		}
		settings, _ := file.Base(name)
		base, err := ask(settings)
		if err != nil {
			return err
		}
		b[name] = base
	}
	return nil
}

// assembleOn puts a target together. A component that targets with other bases
// take too is made on the one with the oldest C library.
func assembleOn(c *cli.Context, file *config.File, t config.Target, all bases, date string) (assemble.Image, error) {
	run := all[t.Base]
	return assemble.Target{
		Name: t.Name, At: t.At, Run: run, Tools: tools(file, t.Components), Config: imageConfig(t),
		Build: func(component string) stage.Base {
			tool, _ := file.Component(component)
			return assemble.BuildOn(tool, run, all.with(file, component))
		},
		Others:        func(component string) []stage.Base { return all.with(file, component) },
		Manifest:      assemble.Manifest{Service: file.Image.Version, Base: run.Reference, Generated: date},
		Accounts:      t.Users(),
		AllowUnpinned: c.Bool("allow-unpinned"),
	}.Assemble()
}

// with is the known bases that targets take a component on.
func (b bases) with(file *config.File, component string) []stage.Base {
	var out []stage.Base
	for _, name := range basesWith(file, component) {
		if base, ok := b[name]; ok {
			out = append(out, base)
		}
	}
	return out
}

// basesBeside is the names of the bases on which targets take the components
// that have a layer in t, which stands on run.
func basesBeside(file *config.File, t config.Target, run stage.Base) []string {
	var out []string
	elsewhere := func(base string) bool { return base != t.Base }
	for _, tool := range tools(file, t.Components) {
		if !slices.ContainsFunc(basesWith(file, tool.Shared().Name), elsewhere) {
			continue // its layer is this target's alone
		}
		s, err := tool.Stage(stage.Ground{Build: run, Run: run, AllowUnpinned: true})
		if err == nil && s.Layer != nil {
			out = append(out, basesWith(file, tool.Shared().Name)...)
		}
	}
	return out
}

// basesWith is the names of the bases that targets take a component on.
func basesWith(file *config.File, component string) []string {
	var out []string
	for _, t := range file.Targets {
		if slices.Contains(t.Components, component) {
			out = append(out, t.Base)
		}
	}
	return out
}

func tools(file *config.File, names []string) []stage.Tool {
	var out []stage.Tool
	for _, n := range names {
		if tool, ok := file.Component(n); ok {
			out = append(out, tool)
		}
	}
	return out
}

func imageConfig(t config.Target) llb.Config {
	c := llb.Config{Path: t.Path, Entrypoint: t.Entrypoint, Cmd: t.Cmd, WorkingDir: t.WorkingDir, User: t.User,
		Ports: ports(t.Ports), Health: t.Health.Image()}
	for _, k := range slices.Sorted(maps.Keys(t.Env)) {
		c.Env = append(c.Env, k+"="+t.Env[k])
	}
	return c
}

// ports are written as image configurations have them: tcp is not left out.
func ports(stated []string) []string {
	var out []string
	for _, p := range stated {
		if !strings.Contains(p, "/") {
			p += "/tcp"
		}
		out = append(out, p)
	}
	return out
}
