package solve

import (
	"maps"
	"sync"

	"github.com/medbuild/medbuild/internal/fetch"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// redirect sends the sources of a finished graph to the mirrors. Neither keys
// nor results change: sources are known by their checksum, commit or digest. It
// is done here and not with a source policy, which cannot tell a repository's
// full address from its rules, and under which the engine names steps in ways
// that cannot be told in advance: errors and progress would know no component.
func (s *Session) redirect(def *bk.Definition) (*bk.Definition, error) {
	out, was, err := rewrite(def, func(op *pb.Op) bool {
		source := op.GetSource()
		from := fetch.Address(source)
		at, _ := s.attempts.Next(from)
		s.allow(at)
		if source == nil || at == from {
			return false
		}
		fetch.Send(source, at)
		return true
	})
	s.originals.add(was)
	return out, err
}

func (s *Session) allow(address string) {
	if s.Allow != nil {
		s.Allow(address)
	}
}

// named gives a failed source the address that the stages wrote.
func (s *Session) named(f *failure) {
	data, ok := s.originals.of(f.digest)
	var op pb.Op
	if ok && proto.Unmarshal(data, &op) == nil && op.GetSource() != nil {
		f.address = fetch.Address(op.GetSource())
	}
}

// originals is operations as the stages wrote them, by what took their place.
type originals struct {
	mu  sync.Mutex
	all map[digest.Digest][]byte
}

func (o *originals) add(was map[digest.Digest][]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[digest.Digest][]byte{}
	}
	maps.Copy(o.all, was)
	for d, data := range was {
		o.all[uncached(d)] = data
	}
}

func (o *originals) of(d digest.Digest) ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	data, ok := o.all[d]
	return data, ok
}
