package build

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/medbuild/medbuild/internal/fetch"

	bk "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// errAgain is a source that was fetched after all: what stands on it has failed
// in this solve and must be solved once more.
var errAgain = errors.New("solve again")

// fetched solves a definition and fetches its sources again, or from the next
// mirror, where that may help. The error holds errAgain when it did.
func (b *Builder) fetched(ctx context.Context, c gateway.Client, def *bk.Definition) (*gateway.Result, error) {
	res, err := b.evaluate(ctx, c, def, b.cacheImports())
	if e := (*StepError)(nil); errors.As(err, &e) && e.Address != "" && !e.full && (e.passing || b.mirrored(e.Address)) {
		return nil, b.refetch(ctx, graphOf(def), e)
	}
	return res, err
}

// mirrored reports whether a source is fetched from mirrors.
func (b *Builder) mirrored(address string) bool {
	return fetch.Routes(b.Mirrors, address)[0].Mirror != ""
}

// named gives a failed source the address that the stages wrote.
func (b *Builder) named(e *StepError) {
	data, ok := b.travels.original(e.digest)
	var op pb.Op
	if ok && proto.Unmarshal(data, &op) == nil && op.GetSource() != nil {
		e.Address = fetch.Address(op.GetSource())
	}
}

// refetch fetches a source on all ways that there are, and those that may come
// good again and again, with a wait in between. BuildKit keeps a step's failure
// as long as a solve lasts, and solves at the same time share it, so the source
// is fetched by a solve of its own and under another name: the one of a step
// that is not to be looked up.
func (b *Builder) refetch(ctx context.Context, g graph, e *StepError) error {
	source := g[e.digest]
	if data, ok := b.travels.original(e.digest); ok {
		source.data = data
	}
	for try, wait := 1, backoff; ; {
		b.travels.fail(b.way(e), e)
		next, fresh := b.travels.current(fetch.Routes(b.Mirrors, e.Address), e.Address)
		switch {
		case fresh:
			b.say(fmt.Sprintf("%s: fetch %s: %v; trying %s", e.Component, e.asked, e.Err, next.Address))
		case try < tries && b.travels.forgive(e.Address):
			b.say(fmt.Sprintf("%s: fetch %s: %v; trying again in %s", e.Component, e.asked, e.Err, wait))
			if err := pause(ctx, wait); err != nil {
				return err
			}
			try, wait = try+1, 2*wait
		default:
			return b.gaveUp(e, try)
		}
		err := b.fetch(ctx, source)
		if err == nil {
			return errors.Join(errAgain, e)
		}
		var again *StepError
		if !errors.As(err, &again) || again.full {
			return err
		}
		again.Source = e.Source
		e = again
	}
}

// way is the one on which a source was asked for.
func (b *Builder) way(e *StepError) fetch.Route {
	for _, w := range fetch.Routes(b.Mirrors, e.Address) {
		if w.Address == e.asked {
			return w
		}
	}
	return fetch.Route{Address: e.asked}
}

// gaveUp is the failure of a source with what was tried.
func (b *Builder) gaveUp(e *StepError, tried int) error {
	if !b.mirrored(e.Address) {
		e.Err = times(e.Err, tried)
		return e
	}
	text := "no mirror gives it"
	e.Hint = "mirrors come from the site file and --mirror; name the address itself among them to ask it too"
	for _, a := range b.travels.attempts(e.Address) {
		text += fmt.Sprintf("\n  %s: %s", a.Address, strings.ReplaceAll(times(a.err, a.tries).Error(), "\n", "\n  "))
		if strings.Contains(a.hint, "who asks") && !strings.Contains(e.Hint, "who asks") {
			e.Hint = a.hint + "\nhint: " + e.Hint
		}
	}
	e.Err = errors.New(text)
	return e
}

func times(err error, tries int) error {
	if tries < 2 {
		return err
	}
	return fmt.Errorf("%w (%d tries)", err, tries)
}

// fetch solves one source by itself, on the way that is its turn.
func (b *Builder) fetch(ctx context.Context, source node) error {
	d := digest.FromBytes(source.data)
	end, err := proto.Marshal(&pb.Op{Inputs: []*pb.Input{{Digest: d.String()}}})
	if err != nil {
		return err
	}
	source.meta.IgnoreCache = true
	def, err := b.redirect(&bk.Definition{Def: [][]byte{source.data, end}, Metadata: map[digest.Digest]bk.OpMetadata{d: source.meta}})
	if err != nil {
		return err
	}
	opt := b.options(nil)
	opt.CacheExports = nil
	_, err = b.solve(ctx, opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		return b.evaluate(ctx, c, def, nil)
	})
	return err
}

// repeat solves until nothing is left that only needs another solve. A solve
// that found out about another mirror does not count.
func (b *Builder) repeat(solve func() error) error {
	err := solve()
	for left := tries; left > 0 && errors.Is(err, errAgain); {
		known := b.travels.count()
		err = solve()
		if b.travels.count() == known {
			left--
		}
	}
	return err
}

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
		return nil
	}
}
