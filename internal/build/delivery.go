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

// delivery is an output on its way, and how that went.
type delivery struct {
	*output.Delivery                   // nil until its place is claimed
	response         map[string]string // what the exporter answered
	err              error
}

// deliveries are an image's outputs.
type deliveries []delivery

// sending is the deliveries of all orders.
type sending []deliveries

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
		out[i] = make(deliveries, len(o.Outputs))
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
		out[p.order][p.index].Delivery = d
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
func (d deliveries) export(ctx context.Context, s *solve.Session, job solve.Job) {
	d.those(false, func(one *delivery) { one.export(ctx, s, job) })
	if d.failed() == nil {
		d.those(true, func(one *delivery) { one.export(ctx, s, job) })
	}
}

func (d deliveries) those(pushed bool, do func(*delivery)) {
	var group errgroup.Group
	for i := range d {
		if d[i].Pushed() == pushed {
			group.Go(func() error { do(&d[i]); return nil })
		}
	}
	_ = group.Wait()
}

// failed is all that went wrong with the exports.
func (d deliveries) failed() error {
	var errs []error
	for _, one := range d {
		errs = append(errs, one.err)
	}
	return errors.Join(errs...)
}

// stale is the error of an export for which a cache lacked something: the whole
// image is to be made again.
func (d deliveries) stale() error {
	for _, one := range d {
		if solve.IsStale(one.err) {
			return one.err
		}
	}
	return nil
}

// export forgets how an earlier one went: an image is built anew on an engine
// that was started again.
func (d *delivery) export(ctx context.Context, s *solve.Session, job solve.Job) {
	var entry client.ExportEntry
	if entry, d.err = d.Entry(); d.err != nil {
		return
	}
	job.Exports = []client.ExportEntry{entry}
	answer, err := s.One(ctx, job)
	switch {
	case err == nil:
		d.response = answer.ExporterResponse
	case solve.IsStep(err) || solve.IsStale(err) || ctx.Err() != nil:
		d.err = err
	default:
		d.err = d.Failed(err)
	}
}

// finish gives what was written its place, or takes all of it away when
// something of it or the build failed.
func (d deliveries) finish(built error) error {
	err := errors.Join(built, d.failed())
	if err == nil {
		err = d.commit()
	}
	if err != nil {
		return errors.Join(err, d.abandon())
	}
	return nil
}

func (d deliveries) commit() error {
	var errs []error
	for _, one := range d {
		errs = append(errs, one.Commit(one.response))
	}
	return errors.Join(errs...)
}

func (d deliveries) result(target string) Result {
	r := Result{Target: target}
	for i, one := range d {
		w := Written{Output: one.Output, Names: one.Names(), Response: one.response, Digest: one.response[exptypes.ExporterImageDigestKey]}
		if i == 0 || r.Digest == "" && w.Digest != "" {
			r.Digest, r.Response = w.Digest, w.Response
		}
		r.Where, r.Written = append(r.Where, one.Where()), append(r.Written, w)
	}
	return r
}

// claimed are those whose place was claimed.
func (d deliveries) claimed() deliveries {
	return slices.DeleteFunc(slices.Clone(d), func(one delivery) bool { return one.Delivery == nil })
}

// abandon takes away what was written.
func (d deliveries) abandon() error {
	var errs []error
	for _, one := range d.claimed() {
		errs = append(errs, one.Abandon())
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
		for _, one := range d.claimed() {
			_ = one.Release() // the end of the process does it too
		}
	}
}
