// Package build builds assembled images on an engine and sums up what was done.
package build

import (
	"context"
	"errors"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/output"
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
	Digest   string            // of the manifest; "" when the output is no image
	Response map[string]string // what the exporters answered
	Where    []string          // where the image is now, in words
}

// Build builds all orders at once. The results come in the orders' order; an
// order that failed has the zero Result.
func Build(ctx context.Context, s *solve.Session, all Settings, orders []Order) ([]Result, error) {
	results := make([]Result, len(orders))
	sent, err := deliveries(all, orders)
	if err != nil {
		return results, err
	}
	var jobs []solve.Job
	for i, o := range orders {
		sent[i].hold()
		jobs = append(jobs, job(s, all, o, sent[i]))
	}
	answers, errs := s.Do(ctx, jobs...)
	for i, o := range orders {
		if errs[i] = sent[i].leave(errs[i]); errs[i] == nil {
			response := answers[i].ExporterResponse
			results[i] = Result{o.Image.Name, response[exptypes.ExporterImageDigestKey], response, sent[i].where(o.Names, all.InDocker)}
		}
	}
	err = solve.Join(ctx, errs...)
	for i, g := range sent {
		err = errors.Join(err, g.finish(errs[i] == nil))
	}
	return results, err
}

func job(s *solve.Session, all Settings, o Order, d delivery) solve.Job {
	work := func(ctx context.Context, c *solve.Client) (*gateway.Result, error) {
		res, err := c.Image(ctx, o.Image)
		if err != nil {
			return nil, err
		}
		config, err := configuration(o, s.Platform, all.Created)
		if err != nil {
			return nil, err
		}
		res.AddMeta(exptypes.ExporterImageConfigKey, config)
		return res, nil
	}
	return solve.Job{Work: work, Place: solve.In(o.Image), Exports: d.entries, Caches: all.Caches}
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
