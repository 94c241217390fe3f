// Package build turns assembled images into solves on a BuildKit engine:
// sessions, progress, outputs, caches, errors and the summary.
package build

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/site"

	"github.com/medbuild/medbuild/internal/assemble"

	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session"
	"golang.org/x/sync/errgroup"
)

// Builder builds images on one engine.
type Builder struct {
	Client   *client.Client
	Platform string               // "os/arch"
	Created  time.Time            // creation time of images, SOURCE_DATE_EPOCH
	Ground   *Ground              // the bases
	Session  []session.Attachable // credentials and secrets
	NoCache  NoCache
	Imports  []client.CacheOptionsEntry
	Exports  []client.CacheOptionsEntry // written for every image
	Progress *Progress
	Root     string       // folder of the engine's state, for messages; "" when it is not ours
	Say      func(string) // takes one-line notices for the user; nil drops them
	// HostNetwork gives commands that have a network the machine's own; the
	// engine has no other.
	HostNetwork bool
	Mirrors     []fetch.Mirror    // of the site, the preferred first
	Credentials *site.Credentials // for the hosts that sources come from; part of Session
	Patience    time.Duration     // how long one source may take; 0 is without end

	travels travels
}

// Order is one image to build and where it goes.
type Order struct {
	Image  assemble.Image
	Labels map[string]string
	Output []client.ExportEntry
}

// Result is a built image.
type Result struct {
	Target   string
	Digest   string            // of the manifest; "" when the output is no image
	Response map[string]string // what the exporters answered
}

// Build builds all orders at once: steps they share run once. The results come
// in the orders' order; an order that failed has the zero Result.
func (b *Builder) Build(ctx context.Context, orders []Order) ([]Result, error) {
	results := make([]Result, len(orders))
	errs := make([]error, len(orders))
	_ = b.repeat(func() error {
		var group errgroup.Group
		for i, o := range orders {
			if !unsettled(results[i], errs[i]) {
				continue
			}
			group.Go(func() error {
				results[i], errs[i] = b.one(ctx, o)
				return nil
			})
		}
		_ = group.Wait()
		return errors.Join(errs...)
	})
	for i, o := range orders {
		errs[i] = b.explain(errs[i], o.Image)
	}
	return results, joined(ctx, errs)
}

// unsettled reports whether an order is to be solved, once more or at all.
func unsettled(r Result, err error) bool {
	return r.Target == "" && (err == nil || errors.Is(err, errAgain))
}

func (b *Builder) one(ctx context.Context, o Order) (Result, error) {
	opt := b.options(o.Output)
	run := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		return b.image(ctx, c, o)
	}
	folders := output.HoldLayouts(o.Output)
	resp, err := b.solve(ctx, opt, run)
	err = b.outputFull(err, o.Output)
	if err = errors.Join(err, folders.Leave(err == nil)); err != nil {
		return Result{}, err
	}
	return Result{Target: o.Image.Name, Digest: resp.ExporterResponse[exptypes.ExporterImageDigestKey],
		Response: resp.ExporterResponse}, nil
}

func (b *Builder) options(outputs []client.ExportEntry) client.SolveOpt {
	return client.SolveOpt{
		Exports:       outputs,
		LocalMounts:   maps.Clone(b.Ground.Dirs),
		OCIStores:     maps.Clone(b.Ground.Stores),
		Session:       b.Session,
		FrontendAttrs: map[string]string{},
		CacheExports:  b.Exports,

		AllowedEntitlements: b.allowed(),
	}
}

// image solves every component by itself before the whole: within one solve a
// failing component would cancel the others, and their work would be lost.
func (b *Builder) image(ctx context.Context, c gateway.Client, o Order) (*gateway.Result, error) {
	if err := b.parts(ctx, c, o.Image); err != nil {
		return nil, err
	}
	res, err := b.state(ctx, c, o.Image.State)
	if err != nil {
		return nil, err
	}
	config := o.Image.Config
	config.Labels = o.Labels
	data, err := config.Extend(o.Image.Base.Config, b.Platform, b.Created)
	if err != nil {
		return nil, err
	}
	if data, err = withHistory(data, o.Image, b.Created); err != nil {
		return nil, err
	}
	res.AddMeta(exptypes.ExporterImageConfigKey, data)
	return res, nil
}

// parts solves the runtime packages and each component, all at once.
func (b *Builder) parts(ctx context.Context, c gateway.Client, img assemble.Image) error {
	all := []llb.State{img.Root}
	for _, p := range img.Parts {
		all = append(all, p.Asked)
	}
	errs := make([]error, len(all))
	var group errgroup.Group
	for i, s := range all {
		group.Go(func() error {
			errs[i] = b.part(ctx, c, s)
			return nil
		})
	}
	_ = group.Wait()
	return joined(ctx, final(errs))
}

// part solves one state and fetches its sources again if that may help.
func (b *Builder) part(ctx context.Context, c gateway.Client, s llb.State) error {
	def, err := b.definition(ctx, s)
	if err != nil {
		return err
	}
	_, err = b.fetched(ctx, c, def)
	return err
}

// state solves one state on the engine.
func (b *Builder) state(ctx context.Context, c gateway.Client, s llb.State) (*gateway.Result, error) {
	def, err := b.definition(ctx, s)
	if err != nil {
		return nil, err
	}
	return b.evaluate(ctx, c, def, b.cacheImports())
}

// definition is the state as this run's engine gets it.
func (b *Builder) definition(ctx context.Context, s llb.State) (*bk.Definition, error) {
	def, err := Definition(ctx, s, b.Platform)
	if err != nil {
		return nil, err
	}
	if b.HostNetwork {
		if def, err = hostNetwork(def); err != nil {
			return nil, err
		}
	}
	if def, err = b.redirect(def); err != nil {
		return nil, fmt.Errorf("send the sources to the mirrors: %w", err)
	}
	b.NoCache.apply(def)
	b.Progress.Record.Expect(def)
	return def, nil
}

func (b *Builder) cacheImports() []gateway.CacheOptionsEntry {
	var out []gateway.CacheOptionsEntry
	for _, i := range b.Imports {
		out = append(out, gateway.CacheOptionsEntry{Type: i.Type, Attrs: i.Attrs})
	}
	return out
}
