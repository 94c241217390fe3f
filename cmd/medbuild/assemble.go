package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
)

// target is the target of that name, or one made of the component of that name
// on the base of the first target that has it.
func target(file *config.File, name string) (config.Target, error) {
	if t, ok := file.Target(name); ok {
		return t, nil
	}
	for _, t := range file.Targets {
		if slices.Contains(t.Components, name) {
			return config.Target{Name: name, At: t.At, Base: t.Base, Components: []string{name}}, nil
		}
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
		out = append(out, c.Shared().Name)
	}
	return out
}

// assemble puts a target together on its base.
func assemble(ctx context.Context, b *build.Builder, file *config.File, t config.Target) (stages.Image, error) {
	settings, _ := file.Base(t.Base)
	base, err := b.Base(ctx, settings)
	if err != nil {
		return stages.Image{}, err
	}
	return assembleOn(file, t, base, generated(b.Created))
}

func assembleOn(file *config.File, t config.Target, base stages.Base, date string) (stages.Image, error) {
	return stages.Target{
		Name: t.Name, Run: base, Tools: tools(file, t.Components), Config: imageConfig(t),
		Build:    func(string) stages.Base { return base },
		Manifest: stages.Manifest{Service: file.Image.Version, Base: base.Reference, Generated: date},
	}.Assemble()
}

func tools(file *config.File, names []string) []stages.Tool {
	var out []stages.Tool
	for _, n := range names {
		if tool, ok := file.Component(n); ok {
			out = append(out, tool)
		}
	}
	return out
}

func imageConfig(t config.Target) llb.Config {
	c := llb.Config{Path: t.Path, Entrypoint: t.Entrypoint, Cmd: t.Cmd, WorkingDir: t.WorkingDir, User: t.User}
	for _, k := range slices.Sorted(maps.Keys(t.Env)) {
		c.Env = append(c.Env, k+"="+t.Env[k])
	}
	return c
}
