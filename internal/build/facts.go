package build

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/medbuild/medbuild/internal/fetch"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/distribution/reference"
	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	image "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
)

// Base is the base of the settings with all that is known of it. What no
// earlier build has kept is asked of the base on the engine. An image without a
// digest, where that is allowed, is the one that its name has now.
func (b *Builder) Base(ctx context.Context, s stage.BaseSettings) (stage.Base, error) {
	on, err := b.Ground.Base(s)
	if err == nil && !s.Pinned() {
		if s, err = b.pin(ctx, s); err == nil {
			on, err = b.Ground.Base(s)
		}
	}
	if err != nil {
		return on, err
	}
	on, err = b.Ground.facts(ctx, on, func(ctx context.Context, on stage.Base) (stage.Facts, error) {
		return b.look(ctx, s, on)
	})
	if s.Flatten {
		on = base.Flat(on)
	}
	return on, err
}

func (b *Builder) look(ctx context.Context, s stage.BaseSettings, on stage.Base) (stage.Facts, error) {
	var facts stage.Facts
	run := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		answers, err := b.probe(ctx, c, on)
		if err != nil {
			return nil, err
		}
		facts = base.ParseFacts(answers)
		facts.Digest, facts.Layers = on.Digest, on.Layers
		return gateway.NewResult(), b.config(ctx, c, s, &facts)
	}
	opt := b.options(nil)
	opt.CacheExports = nil
	err := b.repeat(func() error {
		_, err := b.solve(ctx, opt, run)
		return err
	})
	return facts, b.ofBase(err, s)
}

// ofBase is an error about a base with its place.
func (b *Builder) ofBase(err error, s stage.BaseSettings) error {
	err = b.explain(err, assemble.Image{})
	for _, e := range failedSteps(err) {
		e.Where, e.Component = s.At.String(), "base "+s.Name
	}
	return err
}

// pin gives an image the digest that its name has now.
func (b *Builder) pin(ctx context.Context, s stage.BaseSettings) (stage.BaseSettings, error) {
	opt := b.options(nil)
	opt.CacheExports = nil
	image, platform := b.reference(s, "")
	_, err := b.solve(ctx, opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		dgst, _, err := b.imageConfig(ctx, c, image, platform)
		s.Image += "@" + dgst.String()
		return gateway.NewResult(), err
	})
	return s, b.ofBase(err, s)
}

func (b *Builder) probe(ctx context.Context, c gateway.Client, on stage.Base) ([]byte, error) {
	def, err := b.definition(ctx, base.Probe(on.Name, on.Root))
	if err != nil {
		return nil, err
	}
	res, err := b.fetched(ctx, c, def)
	if err != nil {
		return nil, err
	}
	ref, err := res.SingleRef()
	if err != nil {
		return nil, err
	}
	return ref.ReadFile(ctx, gateway.ReadRequest{Filename: base.ProbeFile})
}

// config reads the image configuration of a base that has one.
func (b *Builder) config(ctx context.Context, c gateway.Client, s stage.BaseSettings, f *stage.Facts) error {
	if s.Tar != "" {
		return nil
	}
	ref, opt := b.reference(s, f.Digest)
	_, data, err := b.imageConfig(ctx, c, ref, opt)
	if err != nil {
		return fmt.Errorf("read the image configuration of %s: %w", s.Reference(), err)
	}
	var img image.DockerOCIImage
	if err := json.Unmarshal(data, &img); err != nil {
		return fmt.Errorf("image configuration of %s: %w", s.Reference(), err)
	}
	f.Config, f.Env, f.Layers = data, img.Config.Env, len(img.RootFS.DiffIDs)
	return nil
}

// imageConfig is the digest and the configuration of an image, from the first of
// the mirrors that has it.
func (b *Builder) imageConfig(ctx context.Context, c gateway.Client, ref string, opt sourceresolver.Opt) (digest.Digest, []byte, error) {
	if opt.OCILayoutOpt != nil {
		_, dgst, data, err := c.ResolveImageConfig(ctx, ref, opt)
		return dgst, data, err
	}
	e := &StepError{Address: full(ref)}
	for {
		way, fresh := b.travels.current(fetch.Routes(b.Mirrors, e.Address), e.Address)
		if !fresh && e.Err != nil {
			return "", nil, b.gaveUp(e, 1)
		}
		_, dgst, data, err := c.ResolveImageConfig(ctx, way.Address, opt)
		if err == nil || ctx.Err() != nil {
			return dgst, data, err
		}
		e.because(err.Error())(imageFailure(err.Error()))
		b.travels.fail(way, e)
	}
}

// full is an image's reference with its registry, as the engine has it.
func full(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TagNameOnly(named).String()
}

func (b *Builder) reference(s stage.BaseSettings, manifest string) (string, sourceresolver.Opt) {
	p := Platform(b.Platform)
	if s.OCI == "" {
		return s.Image, sourceresolver.Opt{ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p}}
	}
	name := "base-" + s.Name
	store := sourceresolver.ResolveImageConfigOptStore{StoreID: name}
	return llb.OCIReference(name, digest.Digest(manifest)), sourceresolver.Opt{OCILayoutOpt: &sourceresolver.ResolveOCILayoutOpt{Platform: &p, Store: store}}
}
