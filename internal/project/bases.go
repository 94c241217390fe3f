package project

import (
	"context"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/stages/stage"
)

// Bases knows what bases are. It may ask an engine.
type Bases interface {
	Base(context.Context, stage.BaseSettings) (stage.Base, error)
}

// Kept knows what earlier builds have learned of bases; false stands for
// nothing. It asks nobody.
type Kept interface {
	Known(stage.BaseSettings) (stage.Base, bool, error)
}

// Listed is the base that a list has the component on: that of the first target
// with it, where anything of it is kept, and an assumed one where nothing is. A
// list is worth neither an engine nor an error about a base.
func (c Component) Listed(kept Kept) stage.Base {
	if len(c.On) > 0 {
		if b, known, err := kept.Known(c.On[0]); err == nil && known {
			return b
		}
	}
	return assemble.Fitting(c.Tool)
}

// learned is bases that are known, by name.
type learned map[string]stage.Base

// learn asks for the bases that the targets stand on, and then for those that
// their layers may be made on.
func learn(ctx context.Context, targets []Target, from Bases) (learned, error) {
	known := learned{}
	for _, t := range targets {
		if err := known.add(ctx, from, t.Base); err != nil {
			return nil, err
		}
	}
	for _, t := range targets {
		if err := known.add(ctx, from, t.beside(known[t.Base.Name])...); err != nil {
			return nil, err
		}
	}
	return known, nil
}

func (l learned) add(ctx context.Context, from Bases, all ...stage.BaseSettings) error {
	for _, settings := range all {
		if _, ok := l[settings.Name]; ok {
			continue
		}
		b, err := from.Base(ctx, settings)
		if err != nil {
			return err
		}
		l[settings.Name] = b
	}
	return nil
}

// beside is the bases of images that can share layers with the target, which
// stands on run.
func (t Target) beside(run stage.Base) []stage.BaseSettings {
	var out []stage.BaseSettings
	for _, c := range t.Components {
		if len(c.On) > 1 && assemble.Shareable(c.Tool, run) {
			out = append(out, c.On...)
		}
	}
	return out
}

// of is the bases of the settings that are known.
func (l learned) of(all []stage.BaseSettings) []stage.Base {
	var out []stage.Base
	for _, settings := range all {
		if b, ok := l[settings.Name]; ok {
			out = append(out, b)
		}
	}
	return out
}
