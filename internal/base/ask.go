package base

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
	image "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
)

// Engine answers what can be known of a base only where it can be run.
type Engine interface {
	Ask(context.Context, Question) (Answer, error)
}

// Question is about one base. What it leaves empty is not asked for.
type Question struct {
	At      problem.Position // of the base in the user's file
	Subject string           // the base in messages

	Image  string // whose digest and configuration are wanted
	Layout string // the OCI layout of Files that it lies in; "" for one in a registry

	State *llb.State // whose file is wanted
	File  string     // its name
}

// Answer is what a Question asked for.
type Answer struct {
	Digest digest.Digest
	Config []byte
	File   []byte
}

// Known is a base as earlier runs have kept it. When they kept nothing of it, it
// is false: Learn must ask an engine then.
func (b *Bases) Known(s stage.BaseSettings) (stage.Base, bool, error) {
	on, err := b.root(s)
	if err != nil {
		return on, false, err
	}
	f, ok := b.kept(on.Digest)
	if !ok {
		return on, false, nil
	}
	return with(f, s, on), true, nil
}

// Learn is a base with all that is known of it. What no earlier run has kept is
// asked of the engine. An image without a digest, where that is allowed, is the
// one that its name has now.
func (b *Bases) Learn(ctx context.Context, e Engine, s stage.BaseSettings) (stage.Base, error) {
	on, err := b.root(s)
	if err == nil && !s.Pinned() {
		on, s, err = b.pin(ctx, e, s)
	}
	if err != nil {
		return on, err
	}
	if f, ok := b.kept(on.Digest); ok {
		return with(f, s, on), nil
	}
	f, err := look(ctx, e, s, on)
	if err != nil {
		return on, err
	}
	b.keep(f)
	return with(f, s, on), nil
}

// with is a base with its facts, in one layer where the file wants that. What is
// kept are the facts of the base as it came.
func with(f stage.Facts, s stage.BaseSettings, on stage.Base) stage.Base {
	on.Facts = f
	if s.Flatten {
		return Flat(on)
	}
	return on
}

// pin gives an image the digest that its name has now.
func (b *Bases) pin(ctx context.Context, e Engine, s stage.BaseSettings) (stage.Base, stage.BaseSettings, error) {
	a, err := e.Ask(ctx, Question{At: s.At, Subject: subject(s), Image: s.Image})
	if err != nil {
		return stage.Base{}, s, err
	}
	s.Image += "@" + a.Digest.String()
	on, err := b.root(s)
	return on, s, err
}

// look asks for the facts of a base.
func look(ctx context.Context, e Engine, s stage.BaseSettings, on stage.Base) (stage.Facts, error) {
	probe := Probe(on.Name, on.Root)
	q := Question{At: s.At, Subject: subject(s), State: &probe, File: ProbeFile, Image: s.Image}
	if s.OCI != "" {
		q.Layout = served(s)
		q.Image = llb.OCIReference(q.Layout, digest.Digest(on.Digest))
	}
	a, err := e.Ask(ctx, q)
	if err != nil {
		return stage.Facts{}, err
	}
	f := ParseFacts(a.File)
	f.Digest, f.Layers = on.Digest, on.Layers
	if q.Image == "" {
		return f, nil
	}
	return f, problem.At(s.At, subject(s), configured(&f, a.Config))
}

// configured takes the facts that an image's configuration has.
func configured(f *stage.Facts, config []byte) error {
	var img image.DockerOCIImage
	if err := json.Unmarshal(config, &img); err != nil {
		return fmt.Errorf("read the image configuration: %w", err)
	}
	f.Config, f.Env, f.Layers = config, img.Config.Env, len(img.RootFS.DiffIDs)
	return nil
}
