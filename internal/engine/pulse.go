package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

const (
	askEvery    = 5 * time.Second  // between two questions whether an engine is there
	silentLimit = 15 * time.Second // for an answer; a loaded machine needs a second or two
)

// pulse tells whether an engine still answers. An engine that was stopped, and a
// network that swallows everything, break no connection: a build would wait for
// ever.
//
// It asks by a small call, and not by gRPC's keepalive. buildkitd, and Docker,
// have gRPC's default enforcement policy, which takes a ping within 5 minutes for
// abuse and hangs up at the third (grpc, internal/transport/http2_server.go,
// handlePing) unless it sent something meanwhile; an engine that prunes, or
// a build without a session, is silent for longer.
type pulse struct {
	every, limit time.Duration

	heard atomic.Int64  // how often something came from the engine
	ended chan struct{} // closed by end
	lost  context.Context
	lose  context.CancelCauseFunc
}

func newPulse() *pulse {
	p := &pulse{every: askEvery, limit: silentLimit, ended: make(chan struct{})}
	p.lost, p.lose = context.WithCancelCause(context.Background())
	return p
}

// listen is what a client needs so that the pulse hears what its engine sends.
func (p *pulse) listen() client.ClientOpt { return client.WithGRPCDialOption(grpc.WithStatsHandler(p)) }

// watch asks until end is called. It ends the contexts of over with an error
// about the named engine once nothing came within the limit after a question.
func (p *pulse) watch(name string, ask func(context.Context) error) {
	ctx, cancel := context.WithCancel(p.lost)
	defer cancel()
	go func() {
		<-p.ended
		cancel()
	}()
	for pause(ctx, p.every) == nil {
		if p.silent(ctx, ask) {
			p.lose(silence(name, p.limit))
		}
	}
}

// silent asks once. A machine that slept meanwhile, or a stopped process, had no
// time to hear the answer: that is no silence of the engine's.
func (p *pulse) silent(ctx context.Context, ask func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	before, began := p.heard.Load(), time.Now()
	err := ask(ctx)
	slept := time.Since(began) > p.limit+p.every
	return err != nil && ctx.Err() == context.DeadlineExceeded && p.heard.Load() == before && !slept
}

func silence(name string, limit time.Duration) error {
	p := problem.New(problem.Transient, "has not answered for %s: it was stopped, or the network to it is broken", limit)
	p.Subject = name
	return p.Hint("check that engine, then run the command again: finished steps are in its cache")
}

// over is a context that ends with ctx, or with the engine.
func (p *pulse) over(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.lost, func() { cancel(context.Cause(p.lost)) })
	return ctx, func() { stop(); cancel(nil) }
}

func (p *pulse) end() { close(p.ended) }

// HandleRPC counts what came over the wire: an answer, or a part of a stream.
func (p *pulse) HandleRPC(_ context.Context, s stats.RPCStats) {
	switch s.(type) {
	case *stats.InHeader, *stats.InPayload, *stats.InTrailer:
		p.heard.Add(1)
	}
}

// TagRPC leaves the context as it is.
func (p *pulse) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn leaves the context as it is.
func (p *pulse) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn does nothing.
func (p *pulse) HandleConn(context.Context, stats.ConnStats) {}

// pause waits, or returns why the context ended.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
