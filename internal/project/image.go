package project

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/llb"
)

// Options is what one command says of all its images.
type Options struct {
	AllowUnpinned bool                 // take sources that nothing pins
	Created       time.Time            // of the images; that of 1970 is no date
	Labels        map[string]string    // before those of the file
	Origin        func() osparc.Origin // where services come from; called for services alone
}

// Image is a target put together.
type Image struct {
	assemble.Image
	Names  []string // references, as the target has them
	Labels map[string]string
}

// Assemble puts the targets together on their bases, in their order.
func Assemble(ctx context.Context, targets []Target, bases Bases, o Options) ([]Image, error) {
	services := make([]map[string]string, len(targets))
	for i, t := range targets {
		var err error
		if services[i], err = t.service(o); err != nil {
			return nil, err
		}
	}
	known, err := learn(ctx, targets, bases)
	if err != nil {
		return nil, err
	}
	var out []Image
	for i, t := range targets {
		img, err := t.on(known, o).Assemble()
		if err != nil {
			return nil, err
		}
		out = append(out, Image{Image: img, Names: t.Names, Labels: t.labels(img, services[i], o.Labels)})
	}
	return out, nil
}

// on is the target as the assembly takes it.
func (t Target) on(known learned, o Options) assemble.Target {
	run := known[t.Base.Name]
	out := assemble.Target{
		Name: t.Name, At: t.At(), Run: run, Config: t.config(),
		Manifest:      assemble.Manifest{Service: t.image.Version, Base: run.Reference, Generated: date(o.Created)},
		Accounts:      t.settings.Users(),
		AllowUnpinned: o.AllowUnpinned,
	}
	for _, c := range t.Components {
		out.Members = append(out.Members, assemble.Place(c.Tool, run, known.of(c.On)))
	}
	return out
}

// date is the date in the version manifest; left out for images of 1970, so that
// the manifest repeats.
func date(created time.Time) string {
	if created.Unix() <= 0 {
		return ""
	}
	return created.Format(time.DateOnly)
}

// config is what the file adds to the image's configuration.
func (t Target) config() llb.Config {
	s := t.settings
	c := llb.Config{Path: s.Path, Entrypoint: s.Entrypoint, Cmd: s.Cmd, WorkingDir: s.WorkingDir, User: s.User,
		Ports: ports(s.Ports), Health: s.Health.Image()}
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		c.Env = append(c.Env, k+"="+s.Env[k])
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
