package build

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/medbuild/medbuild/internal/fetch"

	digest "github.com/opencontainers/go-digest"
)

// patient is the context of a solve that ends when one of the solve's sources
// is not fetched within the time that there is for it. BuildKit waits for a
// server that says no more as long as the connection stands. The second result
// is why, once it has ended.
func (b *Builder) patient(ctx context.Context, g graph) (context.Context, func() *StepError) {
	ctx, cancel := context.WithCancelCause(ctx)
	go b.watch(ctx, g, cancel)
	return ctx, func() *StepError {
		cancel(nil)
		var late *StepError
		errors.As(context.Cause(ctx), &late)
		return late
	}
}

func (b *Builder) watch(ctx context.Context, g graph, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for d := range g {
			if e := b.overdue(g, d); e != nil {
				cancel(e)
				return
			}
		}
	}
}

// overdue is a fetch that has taken too long; nil for all others. Of one that
// merely takes long the user is told.
func (b *Builder) overdue(g graph, d digest.Digest) *StepError {
	taken, notice := b.Progress.Record.underWay(d)
	if taken == 0 {
		return nil
	}
	op, meta, _ := g.find(d)
	step := meta.Description["llb.customname"]
	e := &StepError{Step: step, Component: component(step), Address: fetch.Address(op.GetSource()), digest: d}
	e.asked = e.Address
	if e.Address == "" {
		return nil
	}
	b.named(e)
	if b.Patience > 0 && taken > b.Patience {
		e.Err = fmt.Errorf("not there after %s: the server is slow or says no more", b.Patience)
		e.Hint = "name a mirror that is faster, or give it more time: [fetch] timeout in the site file"
		return e
	}
	if notice {
		b.say(fmt.Sprintf("%s: fetch %s: still under way after %s", e.Component, e.asked, taken.Round(time.Second)))
	}
	return nil
}
