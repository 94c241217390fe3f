// Package build builds assembled images on an engine and sums up what was done.
package build

import (
	"context"
	"errors"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// Settings are those of all images of a build.
type Settings struct {
	Created  time.Time                  // SOURCE_DATE_EPOCH
	Caches   []client.CacheOptionsEntry // written for every image
	InDocker bool                       // the engine is a Docker Engine
}

// Order is one image to build and where it goes.
type Order struct {
	Image   assemble.Image
	Names   []string // references of the image
	Labels  map[string]string
	Outputs []output.Output
}

// Result is a built image.
type Result struct {
	Target   string
	Digest   string            // of the manifest of the first output that is an image; "" when none is
	Response map[string]string // what the exporter of that output answered, or else of the first
	Where    []string          // where the image is now, in words
	Written  []Written         // what each output wrote
}

// Written is what one output wrote.
type Written struct {
	Output   output.Output
	Names    []string          // references of the image there
	Digest   string            // of its manifest; "" when the output is no image
	Response map[string]string // what the exporter answered
}

// Build builds all orders at once. The results come in the orders' order; an
// order that failed has the zero Result. Until release is called, no other
// process writes where the images are.
func Build(ctx context.Context, s *solve.Session, all Settings, orders []Order) (results []Result, release func(), err error) {
	results = make([]Result, len(orders))
	sent, err := deliver(ctx, s, all, orders)
	if err != nil {
		return results, sent.release, errors.Join(err, sent.abandon())
	}
	jobs, made := make([]solve.Job, len(orders)), make([]bool, len(orders))
	for i, o := range orders {
		jobs[i] = job(s, all, o, sent[i], &made[i])
	}
	_, errs := s.Do(ctx, jobs...)
	for i, o := range orders {
		uncached := error(nil)
		if made[i] && ctx.Err() == nil {
			uncached, errs[i] = unwritten(all, errs[i]), nil
		}
		if errs[i] = sent[i].finish(errs[i]); errs[i] == nil {
			results[i], errs[i] = sent[i].result(o.Image.Name), uncached
		}
	}
	return results, sent.release, solve.Join(ctx, errs...)
}

// unwritten is why the caches of an image that was made were not written: what
// became of the image does not depend on it.
func unwritten(all Settings, err error) error {
	if err == nil {
		return nil
	}
	shared, _ := cachesFor(all.Caches)
	return problem.Wrapf("%s %s: %w", cacheTo, solve.CacheNames(shared), err).
		Hint("the image itself was built; %s …,ignore-error=true makes this a notice", cacheTo)
}

// job builds an image and, while the engine still has all of it at hand, exports
// it to each of its outputs by a solve of that output's own: BuildKit merges what
// the exporters of one solve answer, and its client would write one's digest
// into the other's index. The solves share all steps, also those that
// are to run whatever the cache has.
//
// made is set once the image is built and exported, whatever came of the exports:
// caches are written after that.
func job(s *solve.Session, all Settings, o Order, d deliveries, made *bool) solve.Job {
	shared, own := cachesFor(all.Caches)
	work := func(ctx context.Context, c *solve.Client) (*gateway.Result, error) {
		*made = false
		config, err := configuration(o, s.Platform, all.Created)
		if err != nil {
			return nil, err
		}
		res, err := c.Image(ctx, o.Image)
		if err != nil {
			return nil, err
		}
		d.export(ctx, s, export(o, config, own))
		err = d.stale()
		*made = err == nil
		return res, err
	}
	return solve.Job{Work: work, Place: solve.In(o.Image), Caches: shared}
}

// export is the solve that a delivery is exported by.
func export(o Order, config []byte, caches []client.CacheOptionsEntry) solve.Job {
	work := func(ctx context.Context, c *solve.Client) (*gateway.Result, error) {
		res, err := c.State(ctx, o.Image.State)
		if err != nil {
			return nil, err
		}
		res.AddMeta(exptypes.ExporterImageConfigKey, config)
		return res, nil
	}
	return solve.Job{Work: work, Place: solve.In(o.Image), Caches: caches, Within: true}
}

// cachesFor parts the caches of an image from those that are written into it,
// which each of its exports has to do.
func cachesFor(all []client.CacheOptionsEntry) (shared, own []client.CacheOptionsEntry) {
	for _, c := range all {
		if c.Type == "inline" {
			own = append(own, c)
			continue
		}
		shared = append(shared, c)
	}
	return shared, own
}

// configuration is the image's: the base's, extended.
func configuration(o Order, platform string, created time.Time) ([]byte, error) {
	config := o.Image.Config
	config.Labels = o.Labels
	data, err := config.Extend(o.Image.Base.Config, platform, created)
	if err != nil {
		return nil, err
	}
	return withHistory(data, o.Image, created)
}
