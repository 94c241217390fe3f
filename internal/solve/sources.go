package solve

import (
	"cmp"
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
	after func(ctx context.Context, url string) time.Duration

	mu  sync.Mutex
	was map[digest.Digest][]byte // as the stages wrote them, by what took their place
}

func sourcesOf(s Settings) *sources {
	out := &sources{Attempts: fetch.NewAttempts(s.Mirrors), allow: s.Allow, say: s.Say, after: s.After, was: map[digest.Digest][]byte{}}
	nobody := func(string) {}
	if out.allow == nil {
		out.allow = nobody
	}
	if out.say == nil {
		out.say = nobody
	}
	if out.after == nil {
		out.after = func(context.Context, string) time.Duration { return 0 }
	}
	return out
}

// redirect sends the sources of a finished graph to the mirrors. Neither keys
// nor results change: sources are known by their checksum, commit or digest. It
// is done here and not with a source policy, which cannot tell a repository's
// full address from its rules, and under which the engine names steps in ways
// that cannot be told in advance: errors and progress would know no component.
func (s *sources) redirect(def *bk.Definition, can abilities) (*bk.Definition, error) {
	out, was, err := rewrite(def, func(op *pb.Op) bool {
		source := op.GetSource()
		return source != nil && s.send(source, can)
	})
	can.declare(out)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.was, was)
	for d, data := range was {
		s.was[uncached(d)] = data
	}
	return out, err
}

// send makes a source ask where its turn is, in the way that the engine and the
// server know. It reports whether the source is another one then.
func (s *sources) send(source *pb.SourceOp, can abilities) bool {
	from := fetch.Address(source)
	at, _ := s.Next(from)
	s.allow(at)
	changed := can.fit(source)
	if at != from {
		fetch.Send(source, at)
		changed = true
	}
	if can.alone() && s.Alone(at) && fetch.Alone(source) {
		changed = true
	}
	return changed
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
	return f.address != "" && !f.full && (f.Transient || s.refused(f) || s.Mirrored(f.address))
}

// refused reports whether a server may have a commit although it did not give
// it: it was asked for the commit by itself, which old ones and some that are
// configured so refuse in the words for one that they do not have.
func (s *sources) refused(f *failure) bool { return f.alone && f.Absent }

// persist asks for a source on all ways that there are, and on those that may
// come good again and again, with a wait in between. f is how it failed first.
func (s *sources) persist(ctx context.Context, f *failure, ask func(context.Context) error) error {
	for try := 1; ; {
		next, err := s.whole(ctx, f, ask)
		if next == nil {
			return err
		}
		f = next
		s.Fail(f.address, f.asked, f.Failure)
		at, fresh := s.Next(f.address)
		switch {
		case fresh:
			s.tell(f, "trying "+at)
		case !s.again(ctx, f, try):
			f.Failure = s.Out(f.address, f.Failure, try)
			return cmp.Or(context.Cause(ctx), error(f))
		default:
			try++
		}
		err = ask(ctx)
		if next = answer(f, err); next == nil {
			return err
		}
		f = next
	}
}

// whole asks for the whole history where a commit by itself was refused, and
// takes note of the host if that helps. The result is the failure that is left,
// nil when there is none.
func (s *sources) whole(ctx context.Context, f *failure, ask func(context.Context) error) (*failure, error) {
	if !s.refused(f) {
		return f, nil
	}
	s.tell(f, "trying with the whole history")
	s.Refuse(f.asked, true)
	err := ask(ctx)
	next := answer(f, err)
	if next != nil && next.Absent {
		s.Refuse(f.asked, false)
	}
	return next, err
}

// tell says what failed and what comes next.
func (s *sources) tell(f *failure, next string) {
	s.say(fmt.Sprintf("%s: fetch %s: %s; %s", f.of.Component, f.asked, f.Reason, next))
}

// answer is the failure of another try of f; nil when it is none that one more
// could mend.
func answer(f *failure, err error) *failure {
	var again *failure
	if !errors.As(err, &again) || again.full {
		return nil
	}
	again.line = f.line
	return again
}
