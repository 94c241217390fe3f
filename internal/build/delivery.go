package build

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"golang.org/x/sync/errgroup"
)

// deliveries are an image's outputs on their way.
type deliveries struct {
	all       []*output.Delivery
	responses []map[string]string
	errs      []error
}

// sending is the deliveries of all orders.
type sending []*deliveries

// deliver claims the places of all outputs. They are claimed in the order of
// their paths, by every process: none waits for one that waits for it.
func deliver(ctx context.Context, s *solve.Session, all Settings, orders []Order) (sending, error) {
	out := make(sending, len(orders))
	type place struct {
		output.Output
		order, index int
	}
	var places []place
	for i, o := range orders {
		out[i] = &deliveries{all: make([]*output.Delivery, len(o.Outputs)), responses: make([]map[string]string, len(o.Outputs)), errs: make([]error, len(o.Outputs))}
		for j, stated := range o.Outputs {
			places = append(places, place{stated.For(o.Image.Name), i, j})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int { return strings.Compare(a.Place(), b.Place()) })
	for _, p := range places {
		d, err := p.Deliver(ctx, imageOf(orders[p.order], all), s.Say)
		if err != nil {
			return out, err
		}
		out[p.order].all[p.index] = d
	}
	return out, nil
}

// onManifest are the labels that the manifest has too, where tools that never
// fetch a configuration look for an image's base.
var onManifest = []string{"org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"}

func imageOf(o Order, all Settings) output.Image {
	annotations := map[string]string{}
	for _, k := range onManifest {
		if v := o.Labels[k]; v != "" {
			annotations[k] = v
		}
	}
	return output.Image{Names: o.Names, Epoch: all.Created.Unix(), InDocker: all.InDocker, Annotations: annotations}
}

// export exports to all outputs at once, to registries only when the others have
// succeeded: what is pushed cannot be taken back.
func (d *deliveries) export(ctx context.Context, s *solve.Session, job solve.Job) {
	d.those(false, func(i int) { d.one(ctx, s, job, i) })
	if errors.Join(d.errs...) == nil {
		d.those(true, func(i int) { d.one(ctx, s, job, i) })
	}
}

func (d *deliveries) those(pushed bool, do func(i int)) {
	var group errgroup.Group
	for i, one := range d.all {
		if one.Pushed() == pushed {
			group.Go(func() error { do(i); return nil })
		}
	}
	_ = group.Wait()
}

func (d *deliveries) one(ctx context.Context, s *solve.Session, job solve.Job, i int) {
	entry, err := d.all[i].Entry()
	if err != nil {
		d.errs[i] = err
		return
	}
	job.Exports = []client.ExportEntry{entry}
	answer, err := s.One(ctx, job)
	switch {
	case err != nil && (solve.IsStep(err) || ctx.Err() != nil):
		d.errs[i] = err
		return
	case err != nil:
		d.errs[i] = d.all[i].Failed(err)
		return
	}
	d.responses[i] = answer.ExporterResponse
}

// finish gives what was written its place, or takes all of it away when
// something of it or the build failed.
func (d *deliveries) finish(built error) error {
	err := errors.Join(append([]error{built}, d.errs...)...)
	if err != nil {
		return errors.Join(err, d.abandon())
	}
	for i, one := range d.all {
		err = errors.Join(err, one.Commit(d.responses[i]))
	}
	if err != nil {
		return errors.Join(err, d.abandon())
	}
	return nil
}

func (d *deliveries) result(target string) Result {
	r := Result{Target: target}
	for i, one := range d.all {
		w := Written{Output: one.Output, Names: one.Names(), Response: d.responses[i], Digest: d.responses[i][exptypes.ExporterImageDigestKey]}
		if i == 0 || r.Digest == "" && w.Digest != "" {
			r.Digest, r.Response = w.Digest, w.Response
		}
		r.Where, r.Written = append(r.Where, one.Where()), append(r.Written, w)
	}
	return r
}

// abandon takes away what was written.
func (d *deliveries) abandon() error {
	var errs []error
	for _, one := range d.all {
		if one != nil {
			errs = append(errs, one.Abandon())
		}
	}
	return errors.Join(errs...)
}

func (s sending) abandon() error {
	var errs []error
	for _, d := range s {
		errs = append(errs, d.abandon())
	}
	return errors.Join(errs...)
}

// release lets other processes have the places.
func (s sending) release() {
	for _, d := range s {
		for _, one := range d.all {
			if one != nil {
				_ = one.Release() // the end of the process does it too
			}
		}
	}
}
