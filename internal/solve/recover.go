package solve

import (
	"context"
	"errors"
	"slices"

	bk "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// errAgain is a source that was fetched after all, or an engine that was started
// again: what stands on it has failed in this solve and must be solved once more.
var errAgain = errors.New("solve again")

// again is an error that another solve may mend.
type again struct{ error }

// Is makes it errAgain.
func (a again) Is(target error) bool { return target == errAgain }

// Unwrap is the error itself.
func (a again) Unwrap() error { return a.error }

// lost is the error of a solve in which the engine lost its connection to this
// machine: a new solve has a new one.
func (s *Session) lost(err error) error {
	s.sources.say("the engine lost its connection to this machine; trying again")
	var f *failure
	if errors.As(err, &f) {
		f.Transient = true
		f.Hints = []string{"the engine lost its connection to this machine: try again"}
	}
	return again{err}
}

// repeat solves until nothing is left that only needs another solve. A solve
// that found out about another mirror does not count.
func (s *Session) repeat(solve func() error) error {
	err := solve()
	for left := tries; left > 0 && errors.Is(err, errAgain); {
		known := s.sources.Count()
		err = solve()
		if s.sources.Count() == known {
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

// refetch fetches a source that failed, as persist does. BuildKit keeps a step's
// failure as long as a solve lasts, and solves at the same time share it, so the
// source is fetched by a solve of its own and under another name: the one of a
// step that is not to be looked up.
func (s *Session) refetch(ctx context.Context, g graph, f *failure) error {
	source := g[f.digest]
	if data, ok := s.sources.original(f.digest); ok {
		source.data = data
	}
	err := s.sources.persist(ctx, f, func(ctx context.Context) error { return s.fetch(ctx, source) })
	if err != nil {
		return err
	}
	return errors.Join(errAgain, f)
}

// fetch solves one source by itself, from the place whose turn it is.
func (s *Session) fetch(ctx context.Context, source node) error {
	d := digest.FromBytes(source.data)
	end, err := proto.Marshal(&pb.Op{Inputs: []*pb.Input{{Digest: d.String()}}})
	if err != nil {
		return err
	}
	source.meta.IgnoreCache = true
	one := &bk.Definition{Def: [][]byte{source.data, end}, Metadata: map[digest.Digest]bk.OpMetadata{d: source.meta}}
	_, err = s.build(ctx, Job{Work: func(ctx context.Context, c *Client) (*gateway.Result, error) {
		def, err := s.sources.redirect(one, c.abilities())
		if err != nil {
			return nil, err
		}
		return c.evaluate(ctx, def, nil)
	}})
	return err
}
