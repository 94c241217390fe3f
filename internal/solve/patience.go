package solve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/medbuild/medbuild/internal/fetch"
	digest "github.com/opencontainers/go-digest"
)

// watch looks at the fetches of a solve.
type watch struct {
	graph   graph
	record  *Record
	sources *sources
	limit   time.Duration // for each; 0 is without end
	index   string        // of Python packages
}

// over is the context of a solve that ends when one of the solve's sources is
// not fetched, or a step with a network not done, within the time that there is
// for it. BuildKit waits for a server
// that has stopped sending as long as the connection stands. The second result
// is why, once it has ended.
func (w watch) over(ctx context.Context) (context.Context, func() *failure) {
	ctx, cancel := context.WithCancelCause(ctx)
	go w.run(ctx, cancel)
	return ctx, func() *failure {
		cancel(nil)
		var late *failure
		errors.As(context.Cause(ctx), &late)
		return late
	}
}

func (w watch) run(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for d := range w.graph {
			if f := w.overdue(d); f != nil {
				cancel(f)
				return
			}
		}
	}
}

// overdue is a fetch that has taken too long; nil for all others. Of one that
// merely takes long the user is told.
func (w watch) overdue(d digest.Digest) *failure {
	taken, notice := w.record.underWay(d)
	if taken == 0 {
		return nil
	}
	f := w.graph.failure(d)
	if f == nil || f.address == "" && !f.networked {
		return nil
	}
	w.sources.named(f)
	if w.limit > 0 && taken > w.limit {
		f.Failure = w.late(f)
		return f
	}
	if notice && f.address != "" {
		w.sources.say(fmt.Sprintf("%s: fetch %s: still under way after %s", f.of.Component, f.asked, taken.Round(time.Second)))
	}
	return nil
}

func (w watch) late(f *failure) fetch.Failure {
	if f.networked {
		return fetch.LateStep(w.limit, f.index(w.index))
	}
	return fetch.Late(w.limit)
}
