package solve

import (
	"context"
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

var _ base.Engine = (*Session)(nil)

// Ask answers a question about a base, in one build on the engine.
func (s *Session) Ask(ctx context.Context, q base.Question) (base.Answer, error) {
	var a base.Answer
	_, err := s.One(ctx, Job{
		Place: func(llb.Operation, string, string) Origin { return Origin{At: q.At, Subject: q.Subject} },
		Work: func(ctx context.Context, c *Client) (*gateway.Result, error) {
			var err error
			a, err = c.answer(ctx, q)
			return gateway.NewResult(), err
		},
	})
	if err != nil && !IsStep(err) && ctx.Err() == nil {
		err = problem.At(q.At, q.Subject, err)
	}
	return a, err
}

func (c *Client) answer(ctx context.Context, q base.Question) (a base.Answer, err error) {
	if q.State != nil {
		if a.File, err = c.file(ctx, q); err != nil {
			return a, err
		}
	}
	if q.Image == "" {
		return a, nil
	}
	if a.Digest, a.Config, err = c.config(ctx, q); err != nil {
		return a, fmt.Errorf("read the image configuration of %s: %w", q.Image, err)
	}
	return a, nil
}

func (c *Client) file(ctx context.Context, q base.Question) ([]byte, error) {
	res, err := c.State(ctx, *q.State)
	if err != nil {
		return nil, err
	}
	ref, err := res.SingleRef()
	if err != nil {
		return nil, err
	}
	return ref.ReadFile(ctx, gateway.ReadRequest{Filename: q.File})
}

// config is the digest and the configuration of an image.
func (c *Client) config(ctx context.Context, q base.Question) (dgst digest.Digest, data []byte, err error) {
	p := Platform(c.session.Platform)
	if q.Layout != "" {
		store := sourceresolver.ResolveImageConfigOptStore{StoreID: q.Layout}
		_, dgst, data, err = c.Gateway.ResolveImageConfig(ctx, q.Image,
			sourceresolver.Opt{OCILayoutOpt: &sourceresolver.ResolveOCILayoutOpt{Platform: &p, Store: store}})
		return dgst, data, err
	}
	opt := sourceresolver.Opt{ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p}}
	ask := func(ctx context.Context) error {
		f := &failure{address: full(q.Image), of: llb.Operation{Component: q.Subject}}
		f.asked, _ = c.session.sources.Next(f.address)
		_, dgst, data, err = c.Gateway.ResolveImageConfig(ctx, f.asked, opt)
		if err == nil || ctx.Err() != nil {
			return err
		}
		f.cause, f.Failure = err, fetch.Why(&pb.SourceOp{Identifier: "docker-image://" + f.asked}, err.Error())
		return f
	}
	err = ask(ctx)
	var f *failure
	if errors.As(err, &f) {
		err = c.session.sources.persist(ctx, f, ask)
	}
	return dgst, data, err
}

// full is an image's reference with its registry, as the engine has it.
func full(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TagNameOnly(named).String()
}
