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
	Created time.Time                  // SOURCE_DATE_EPOCH
	Caches  []client.CacheOptionsEntry // written for every image
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

// Build builds all orders at once. The results come in the orders' order; an
// order that failed has the zero Result.
func Build(ctx context.Context, s *solve.Session, all Settings, orders []Order) ([]Result, error) {
	var jobs []solve.Job
	var held []*output.Layouts
	for _, o := range orders {
		held = append(held, output.HoldLayouts(o.Output))
		jobs = append(jobs, job(s, all, o))
	}
	answers, errs := s.Do(ctx, jobs...)
	results := make([]Result, len(orders))
	for i, o := range orders {
		err := full(errs[i], o.Output)
		if errs[i] = errors.Join(err, held[i].Leave(err == nil)); errs[i] == nil {
			results[i] = Result{o.Image.Name, answers[i].ExporterResponse[exptypes.ExporterImageDigestKey], answers[i].ExporterResponse}
		}
	}
	return results, solve.Join(ctx, errs...)
}

func job(s *solve.Session, all Settings, o Order) solve.Job {
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
	return solve.Job{Work: work, Place: solve.In(o.Image), Exports: o.Output, Caches: all.Caches}
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

// full is the error of an export whose disk is full, and any other error as it is.
func full(err error, entries []client.ExportEntry) error {
	if err == nil || solve.IsStep(err) {
		return err
	}
	path, cause := "", err
	var disk *solve.FullDisk
	if errors.As(err, &disk) {
		path, cause = disk.Path, disk.Unwrap()
	}
	if full := output.Full(entries, path, cause); full != nil {
		return full
	}
	return err
}
