package main

import (
	"context"
	"maps"
	"slices"

	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
)

// assemble puts the named target together: a target of the file, or a single
// component on the base of the first target that has it.
func assemble(ctx context.Context, b *build.Builder, file *config.File, name string) (stages.Image, error) {
	t, ok := file.Target(name)
	if !ok {
		var err error
		if t, err = single(file, name); err != nil {
			return stages.Image{}, err
		}
	}
	settings, _ := file.Base(t.Base)
	base, err := b.Base(ctx, settings)
	if err != nil {
		return stages.Image{}, err
	}
	target := stages.Target{
		Name: t.Name, Run: base, Tools: tools(file, t.Components), Config: imageConfig(t),
		Build:    func(string) stages.Base { return base },
		Manifest: stages.Manifest{Service: file.Image.Version, Base: base.Reference, Generated: generated(b.Created)},
	}
	return target.Assemble()
}

// single is a target that is one component.
func single(file *config.File, name string) (config.Target, error) {
	for _, t := range file.Targets {
		if slices.Contains(t.Components, name) {
			return config.Target{Name: name, At: t.At, Base: t.Base, Components: []string{name}}, nil
		}
	}
	return config.Target{}, usagef("no target or component %q in %s", name, file.Path)
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
