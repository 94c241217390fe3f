package solve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	bk "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// tries is how often a source is fetched before a run gives up on it.
const tries = 3

// backoff is the wait before the second try; each further one waits twice as long.
const backoff = time.Second

// errAgain is a source that was fetched after all: what stands on it has failed
// in this solve and must be solved once more.
var errAgain = errors.New("solve again")

// repeat solves until nothing is left that only needs another solve. A solve
// that found out about another mirror does not count.
func (s *Session) repeat(solve func() error) error {
	err := solve()
	for left := tries; left > 0 && errors.Is(err, errAgain); {
		known := s.attempts.Count()
		err = solve()
		if s.attempts.Count() == known {
			left--
		}
	}
	return err
}

// final is the errors without those that another solve would mend, if there
// are others: then another solve is no use.
func final(errs []error) []error {
	rest := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil || errors.Is(err, errAgain) })
	if len(rest) == 0 {
		return errs
	}
	return rest
}

// mendable reports whether there is another way to what a step fetches, or
// another try may succeed.
func (s *Session) mendable(f *failure) bool {
	return f.address != "" && !f.full && (f.Transient || s.attempts.Mirrored(f.address))
}

// refetch fetches a source that failed, as persist does. BuildKit keeps a step's
// failure as long as a solve lasts, and solves at the same time share it, so the
// source is fetched by a solve of its own and under another name: the one of a
// step that is not to be looked up.
func (s *Session) refetch(ctx context.Context, g graph, f *failure) error {
	source := g[f.digest]
	if data, ok := s.originals.of(f.digest); ok {
		source.data = data
	}
	err := s.persist(ctx, f, func(ctx context.Context) error { return s.fetch(ctx, source) })
	if err != nil {
		return err
	}
	return errors.Join(errAgain, f)
}

// persist asks for a source on all ways that there are, and on those that may
// come good again and again, with a wait in between. f is how it failed first.
func (s *Session) persist(ctx context.Context, f *failure, ask func(context.Context) error) error {
	for try, wait := 1, backoff; ; {
		s.attempts.Fail(f.address, f.asked, f.Failure)
		next, fresh := s.attempts.Next(f.address)
		switch {
		case fresh:
			s.say(fmt.Sprintf("%s: fetch %s: %s; trying %s", f.of.Component, f.asked, f.Reason, next))
		case try < tries && s.attempts.Reopen(f.address):
			s.say(fmt.Sprintf("%s: fetch %s: %s; trying again in %s", f.of.Component, f.asked, f.Reason, wait))
			if err := pause(ctx, wait); err != nil {
				return err
			}
			try, wait = try+1, 2*wait
		default:
			f.Failure = s.attempts.Out(f.address, f.Failure, try)
			return f
		}
		err := ask(ctx)
		var again *failure
		if !errors.As(err, &again) || again.full {
			return err
		}
		again.line = f.line
		f = again
	}
}

// fetch solves one source by itself, from the place whose turn it is.
func (s *Session) fetch(ctx context.Context, source node) error {
	d := digest.FromBytes(source.data)
	end, err := proto.Marshal(&pb.Op{Inputs: []*pb.Input{{Digest: d.String()}}})
	if err != nil {
		return err
	}
	source.meta.IgnoreCache = true
	def, err := s.redirect(&bk.Definition{Def: [][]byte{source.data, end}, Metadata: map[digest.Digest]bk.OpMetadata{d: source.meta}})
	if err != nil {
		return err
	}
	_, err = s.build(ctx, Job{Work: func(ctx context.Context, c *Client) (*gateway.Result, error) {
		return c.evaluate(ctx, def, nil)
	}})
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
