package solve

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
// server that has stopped sending as long as the connection stands. The second
// result is why, once it has ended.
func (s *Session) patient(ctx context.Context, g graph) (context.Context, func() *failure) {
	ctx, cancel := context.WithCancelCause(ctx)
	go s.watch(ctx, g, cancel)
	return ctx, func() *failure {
		cancel(nil)
		var late *failure
		errors.As(context.Cause(ctx), &late)
		return late
	}
}

func (s *Session) watch(ctx context.Context, g graph, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for d := range g {
			if f := s.overdue(g, d); f != nil {
				cancel(f)
				return
			}
		}
	}
}

// overdue is a fetch that has taken too long; nil for all others. Of one that
// merely takes long the user is told.
func (s *Session) overdue(g graph, d digest.Digest) *failure {
	taken, notice := s.Progress.Record.underWay(d)
	if taken == 0 {
		return nil
	}
	f := g.failure(d)
	if f == nil || f.address == "" {
		return nil
	}
	s.named(f)
	if s.Patience > 0 && taken > s.Patience {
		f.Failure = fetch.Late(s.Patience)
		return f
	}
	if notice {
		s.say(fmt.Sprintf("%s: fetch %s: still under way after %s", f.of.Component, f.asked, taken.Round(time.Second)))
	}
	return nil
}
