package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// Build is a build on the engine, as BuildKit's client does it. It ends when the
// engine is lost: with a problem of the class Transient, which Revive may mend.
func (e *Engine) Build(ctx context.Context, opt client.SolveOpt, product string, run gateway.BuildFunc, status chan *client.SolveStatus) (resp *client.SolveResponse, err error) {
	err = e.during(ctx, func(ctx context.Context) error {
		resp, err = e.Client.Build(ctx, opt, product, run, status)
		return err
	})
	return resp, err
}

// Prune removes what the engine keeps, as BuildKit's client does it.
func (e *Engine) Prune(ctx context.Context, gone chan client.UsageInfo, opts ...client.PruneOption) error {
	return e.during(ctx, func(ctx context.Context) error { return e.Client.Prune(ctx, gone, opts...) })
}

// DiskUsage lists what the engine keeps, as BuildKit's client does it.
func (e *Engine) DiskUsage(ctx context.Context, opts ...client.DiskUsageOption) (records []*client.UsageInfo, err error) {
	err = e.during(ctx, func(ctx context.Context) error {
		records, err = e.Client.DiskUsage(ctx, opts...)
		return err
	})
	return records, err
}

// during does work on the engine as long as the engine is there.
func (e *Engine) during(ctx context.Context, work func(context.Context) error) error {
	life := e.life.Load()
	watched, end := e.pulse.over(ctx)
	defer end()
	err := work(watched)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case watched.Err() != nil:
		return context.Cause(watched)
	case e.isGone(ctx):
		return e.loss(life, err)
	}
	return err
}

// isGone asks whether the engine takes connections, and is still the one that it
// was: another run may have started our own anew.
func (e *Engine) isGone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, adoptLimit)
	defer cancel()
	return grpcerrors.Code(e.ask(ctx)) == codes.Unavailable || e.replaced != nil && e.replaced()
}

// ask is the smallest question there is. An engine that does not know it
// (BuildKit before 0.11) has answered too.
func (e *Engine) ask(ctx context.Context) error {
	_, err := e.Client.Info(ctx)
	return err
}

// lost is what was said when the engine went.
type lost struct {
	life  int32 // of the engine that went
	cause error
}

// Error is the cause's.
func (l *lost) Error() string { return l.cause.Error() }

// Unwrap is the cause.
func (l *lost) Unwrap() error { return l.cause }

func (e *Engine) loss(life int32, err error) error {
	p := problem.New(problem.Transient, "exited unexpectedly, or the connection to it broke: %w", &lost{life, err})
	p.Subject = e.name()
	if e.Log == "" {
		return p.Hint("check that engine, then run the command again: finished steps are in its cache")
	}
	p.Message = fmt.Sprintf("exited unexpectedly (log: %s)", e.Log)
	return p.Hint("the end of its log may say why; a daemon that was killed has often run out of memory (see dmesg): try --jobs 1")
}

// name is the engine as messages have it.
func (e *Engine) name() string {
	switch e.Kind {
	case Child:
		return "medbuild's own buildkitd"
	case Docker:
		return "Docker at " + e.Address
	}
	return "engine " + e.Address
}

// Revive starts our own engine again if err is that it ended, once in a run, and
// returns nil when the engine is there again: builds that ended with it can be
// done anew. It returns err, or what stands in the way too, in all other cases.
func (e *Engine) Revive(ctx context.Context, err error) error {
	var l *lost
	if e.restart == nil || !errors.As(err, &l) {
		return err
	}
	e.reviving.Lock()
	defer e.reviving.Unlock()
	switch life := e.life.Load(); {
	case life > l.life: // by another build, which ended with the same engine
		return nil
	case life > 0:
		return problem.Wrapf("%w, for the second time in this run", err)
	}
	if failed := e.restart(ctx); failed != nil {
		return errors.Join(err, fmt.Errorf("start it again: %w", failed))
	}
	e.life.Add(1)
	return nil
}
