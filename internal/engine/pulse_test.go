package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"google.golang.org/grpc/stats"
)

// An engine that says nothing is lost, within 25 seconds. One that answers
// anything, or sends anything, is not; and after a sleep it is asked again.
func TestPulse(t *testing.T) {
	t.Parallel()
	silent := func(ctx context.Context, _ *pulse) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		ask  func(context.Context, *pulse) error
		lost bool
	}{
		"silent":  {silent, true},
		"answers": {func(context.Context, *pulse) error { return nil }, false},
		"refuses": {func(context.Context, *pulse) error { return errors.New("unimplemented") }, false},
		"sends": {func(ctx context.Context, p *pulse) error {
			p.HandleRPC(ctx, &stats.InPayload{})
			return silent(ctx, p)
		}, false},
		"we send": {func(ctx context.Context, p *pulse) error {
			p.HandleRPC(ctx, &stats.OutPayload{})
			return silent(ctx, p)
		}, true},
		"slept": {func(_ context.Context, p *pulse) error { // the machine, while it waited
			select {
			case <-time.After(time.Hour):
			case <-p.ended:
			}
			return context.DeadlineExceeded
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPulse()
				go p.watch("engine x", func(ctx context.Context) error { return c.ask(ctx, p) })
				ctx, end := p.over(t.Context())
				from := time.Now()
				select {
				case <-ctx.Done():
				case <-time.After(2 * time.Hour):
				}
				if (ctx.Err() != nil) != c.lost || c.lost && time.Since(from) > 25*time.Second {
					t.Errorf("after %s: %v", time.Since(from), context.Cause(ctx))
				}
				if err := context.Cause(ctx); c.lost && (problem.ClassOf(err) != problem.Transient ||
					!strings.HasPrefix(problem.Text(err), "engine x: has not answered for 15s: it was stopped, or the network to it is broken\nhint: check that engine")) {
					t.Errorf("error is %s", problem.Text(err))
				}
				end()
				p.end()
			})
		})
	}
}

// The client of an engine counts what comes over its wire, and the watch ends
// with the engine.
func TestPulseHears(t *testing.T) {
	t.Parallel()
	l := fake{workers: 1}.listen(t, "tcp", "127.0.0.1:0")
	e, err := bareMachine(t, nil).find(t.Context(), Options{Address: "tcp://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	before := e.pulse.heard.Load()
	_ = e.ask(t.Context()) // it does not know the question
	if now := e.pulse.heard.Load(); before == 0 || now == before {
		t.Errorf("heard %d times before a question and %d after it", before, now)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
