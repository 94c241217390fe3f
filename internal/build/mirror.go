package build

import (
	"path"
	"slices"
	"strings"
	"sync"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/gitutil"
	digest "github.com/opencontainers/go-digest"
)

// Mirror says what to fetch from in place of addresses that begin with From.
type Mirror struct {
	From     string   // https://files.example.org/tools, or an image's name or its beginning: docker.io/library
	To       []string // what takes the place of From, the preferred first
	Insecure bool     // credentials may go over plain http to it
}

// match is the address on each of the mirrors, if From is the beginning of the
// address: all of it, or up to a border between its parts.
func (m Mirror) match(address string) ([]route, bool) {
	from := strings.TrimRight(m.From, "/")
	rest, ok := strings.CutPrefix(address, from)
	switch {
	case !ok:
		return nil, false
	case strings.HasSuffix(from, ":"): // git@host:
		rest = "/" + rest
	case rest != "" && !strings.ContainsAny(rest[:1], "/:@?#"):
		return nil, false
	}
	var out []route
	for _, to := range m.To {
		to = strings.TrimRight(to, "/")
		out = append(out, route{address: to + rest, mirror: to})
	}
	return out, true
}

// route is one way to a source.
type route struct {
	address string
	mirror  string // what took From's place; "" for the address itself
}

// routes lists the ways to a source in the order of the mirrors that match: only
// those with the longest beginning count. Without a mirror the address itself is
// the one way; beside mirrors it is none, unless a mirror leads back to it.
func routes(mirrors []Mirror, address string) []route {
	var out []route
	longest := 0
	for _, m := range mirrors {
		ways, ok := m.match(address)
		n := len(strings.TrimRight(m.From, "/"))
		if !ok || n < longest {
			continue
		}
		if n > longest {
			out, longest = nil, n
		}
		out = append(out, ways...)
	}
	if len(out) == 0 {
		return []route{{address: address}}
	}
	return out
}

// travels is how the sources of a run were fetched so far. The zero value is
// none. It is safe for concurrent use.
type travels struct {
	mu       sync.Mutex
	was      map[digest.Digest][]byte // sources as the stages wrote them, by what took their place
	failed   map[string][]*attempt    // by the address that the stages wrote
	failures map[string]int           // of a mirror
}

// attempt is a way on which a source could not be fetched.
type attempt struct {
	route
	err     error
	hint    string
	passing bool
	tries   int
	open    bool // worth another try
}

// badMirror is the number of failures after which a mirror is asked last. One
// that gives no answer at all is asked last at once.
const badMirror = 3

// current is the way on which a source is fetched now, and whether it is one
// that has not failed. Mirrors that work come before those that do not.
func (t *travels) current(ways []route, address string) (route, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ways = slices.Clone(ways)
	slices.SortStableFunc(ways, func(a, b route) int { return t.bad(a) - t.bad(b) })
	for _, w := range ways {
		if a := t.attempt(address, w.address); a == nil || a.open {
			return w, true
		}
	}
	return ways[0], false
}

func (t *travels) bad(r route) int { return min(t.failures[r.mirror]/badMirror, 1) }

func (t *travels) attempt(address, at string) *attempt {
	for _, a := range t.failed[address] {
		if a.address == at {
			return a
		}
	}
	return nil
}

// fail takes note of a source that could not be fetched on a way.
func (t *travels) fail(way route, e *StepError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed, t.failures = map[string][]*attempt{}, map[string]int{}
	}
	a := t.attempt(e.Address, way.address)
	if a == nil {
		a = &attempt{route: way}
		t.failed[e.Address] = append(t.failed[e.Address], a)
	}
	a.err, a.hint, a.passing, a.open = e.Err, e.Hint, e.passing, false
	a.tries++
	if way.mirror == "" {
		return
	}
	t.failures[way.mirror]++
	if !e.answered {
		t.failures[way.mirror] += badMirror
	}
}

// forgive opens the ways to a source whose failure may pass, if there are any.
func (t *travels) forgive(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	open := false
	for _, a := range t.failed[address] {
		a.open = a.passing
		open = open || a.open
	}
	return open
}

// attempts is the ways to a source that failed, as they stand now.
func (t *travels) attempts(address string) []attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []attempt
	for _, a := range t.failed[address] {
		out = append(out, *a)
	}
	return out
}

// count is how many ways failed so far.
func (t *travels) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, all := range t.failed {
		n += len(all)
	}
	return n
}

// original is the source as the stages wrote it, if another took its place.
func (t *travels) original(d digest.Digest) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	data, ok := t.was[d]
	return data, ok
}

// redirect sends the sources of a finished graph to the mirrors. Neither keys
// nor results change: sources are known by their checksum, commit or digest. It
// is done here and not with a source policy, which cannot tell a repository's
// full address from its rules, and under which the engine names steps in ways
// that cannot be told in advance: errors and progress would know no component.
func (b *Builder) redirect(def *bk.Definition) (*bk.Definition, error) {
	out, was, err := rewrite(def, func(op *pb.Op) bool {
		s := op.GetSource()
		from := address(s)
		way, _ := b.travels.current(routes(b.Mirrors, from), from)
		b.Credentials.allow(way.address)
		if s == nil || way.address == from {
			return false
		}
		send(s, way.address)
		return true
	})
	b.travels.mu.Lock()
	defer b.travels.mu.Unlock()
	if b.travels.was == nil {
		b.travels.was = map[digest.Digest][]byte{}
	}
	for d, data := range was {
		b.travels.was[d], b.travels.was[uncached(d)] = data, data
	}
	return out, err
}

// send gives a source another address. What stands in the identifier beside the
// address stays.
func send(s *pb.SourceOp, to string) {
	switch {
	case strings.HasPrefix(s.Identifier, "git://"):
		sendGit(s, to)
	case strings.HasPrefix(s.Identifier, "docker-image://"):
		s.Identifier = "docker-image://" + to
	default:
		s.Identifier = to
	}
}

// sendGit writes the address as llb.Git does: in the identifier without scheme,
// and whole beside it. What is for ssh alone goes.
func sendGit(s *pb.SourceOp, to string) {
	_, fragment, has := strings.Cut(s.Identifier, "#")
	id := to
	if u, err := gitutil.ParseURL(to); err == nil {
		id = u.Host + path.Join("/", u.Path)
	}
	if has {
		id += "#" + fragment
	}
	s.Identifier = "git://" + id
	s.Attrs[pb.AttrFullRemoteURL] = to
	delete(s.Attrs, pb.AttrKnownSSHHosts)
	delete(s.Attrs, pb.AttrMountSSHSock)
}

// address is what a source fetches, for people and for mirrors: a URL, an
// image's reference; "" for what comes from this machine.
func address(s *pb.SourceOp) string {
	if url := s.GetAttrs()[pb.AttrFullRemoteURL]; url != "" {
		return url
	}
	id := s.GetIdentifier()
	for _, scheme := range []string{"oci-layout://", "local://"} {
		if strings.HasPrefix(id, scheme) {
			return ""
		}
	}
	if repository, ok := strings.CutPrefix(id, "git://"); ok {
		repository, _, _ = strings.Cut(repository, "#")
		return repository
	}
	return strings.TrimPrefix(id, "docker-image://")
}
