package solve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/medbuild/medbuild/internal/fetch"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// sources is where the sources of a run come from, and how that went so far. It
// is safe for concurrent use.
type sources struct {
	*fetch.Attempts
	allow func(address string) // is told of every address that will be asked
	say   func(notice string)

	mu  sync.Mutex
	was map[digest.Digest][]byte // as the stages wrote them, by what took their place
}

func sourcesOf(s Settings) *sources {
	out := &sources{Attempts: fetch.NewAttempts(s.Mirrors), allow: s.Allow, say: s.Say, was: map[digest.Digest][]byte{}}
	nobody := func(string) {}
	if out.allow == nil {
		out.allow = nobody
	}
	if out.say == nil {
		out.say = nobody
	}
	return out
}

// redirect sends the sources of a finished graph to the mirrors. Neither keys
// nor results change: sources are known by their checksum, commit or digest. It
// is done here and not with a source policy, which cannot tell a repository's
// full address from its rules, and under which the engine names steps in ways
// that cannot be told in advance: errors and progress would know no component.
func (s *sources) redirect(def *bk.Definition) (*bk.Definition, error) {
	out, was, err := rewrite(def, func(op *pb.Op) bool {
		source := op.GetSource()
		from := fetch.Address(source)
		at, _ := s.Next(from)
		s.allow(at)
		if source == nil || at == from {
			return false
		}
		fetch.Send(source, at)
		return true
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.was, was)
	for d, data := range was {
		s.was[uncached(d)] = data
	}
	return out, err
}

// original is an operation as the stages wrote it, where another took its place.
func (s *sources) original(d digest.Digest) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.was[d]
	return data, ok
}

// named gives a failed source the address that the stages wrote.
func (s *sources) named(f *failure) {
	data, ok := s.original(f.digest)
	var op pb.Op
	if ok && proto.Unmarshal(data, &op) == nil && op.GetSource() != nil {
		f.address = fetch.Address(op.GetSource())
	}
}

// mendable reports whether there is another way to what a step fetches, or
// another try may succeed.
func (s *sources) mendable(f *failure) bool {
	return f.address != "" && !f.full && (f.Transient || s.Mirrored(f.address))
}

// tries is how often a source is fetched before a run gives up on it.
const tries = 3

// backoff is the wait before the second try; each further one waits twice as long.
const backoff = time.Second

// persist asks for a source on all ways that there are, and on those that may
// come good again and again, with a wait in between. f is how it failed first.
func (s *sources) persist(ctx context.Context, f *failure, ask func(context.Context) error) error {
	for try, wait := 1, backoff; ; {
		s.Fail(f.address, f.asked, f.Failure)
		next, fresh := s.Next(f.address)
		switch {
		case fresh:
			s.say(fmt.Sprintf("%s: fetch %s: %s; trying %s", f.of.Component, f.asked, f.Reason, next))
		case try < tries && s.Reopen(f.address):
			s.say(fmt.Sprintf("%s: fetch %s: %s; trying again in %s", f.of.Component, f.asked, f.Reason, wait))
			if err := pause(ctx, wait); err != nil {
				return err
			}
			try, wait = try+1, 2*wait
		default:
			f.Failure = s.Out(f.address, f.Failure, try)
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

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
		return nil
	}
}
