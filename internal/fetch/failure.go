package fetch

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// Failure is why a source could not be fetched.
type Failure struct {
	Reason    string   // in words, what was asked for left out
	Hints     []string // what the user can do
	Transient bool     // another try may succeed
	Answered  bool     // whoever was asked is well, but did not give this
	Busy      bool     // the server wants fewer requests, and may say when it takes the next
	Refused   bool     // nothing listens there, or nobody yet
	Untrusted bool     // whoever fetched does not know the server's certificate authority
	Slow      bool     // it did not come in time: another run may succeed, another try here would take as long
	Absent    bool     // the repository does not give the commit
	login     bool     // the server asks who is there
}

// Why reads what the engine said when it could not fetch a source.
func Why(s *pb.SourceOp, said string) Failure {
	f := of(s.GetIdentifier(), said)
	f.Answered = absent.MatchString(said)
	f.Untrusted = untrusted.MatchString(said)
	f.Busy = busy.MatchString(said)
	f.Refused = refused.MatchString(said)
	f.Transient = f.Transient || f.Busy || f.Refused
	return f
}

func of(identifier, said string) Failure {
	switch {
	case strings.HasPrefix(identifier, "git://"):
		return git(said)
	case strings.HasPrefix(identifier, "http"):
		return file(said)
	}
	return image(said)
}

// Ambiguous reports whether the engine's words tell nothing: of a pinned
// archive it says that the bytes are others, also when they are those of an
// error page. It is to be asked again, for the source without its pin.
func Ambiguous(s *pb.SourceOp, said string) bool {
	return strings.HasPrefix(s.GetIdentifier(), "http") && strings.Contains(said, "digest mismatch")
}

// Unpinned is the source without its pin.
func Unpinned(s *pb.SourceOp) *pb.SourceOp {
	attrs := map[string]string{}
	for k, v := range s.Attrs {
		if k != pb.AttrHTTPChecksum {
			attrs[k] = v
		}
	}
	return &pb.SourceOp{Identifier: s.Identifier, Attrs: attrs}
}

// Came is the checksum of the bytes that came in place of the pinned ones, which
// the engine names first; "" when it names none.
func Came(said string) digest.Digest {
	if m := mismatch.FindStringSubmatch(said); m != nil {
		return digest.Digest(m[1])
	}
	return ""
}

// Page is the size up to which a file may be the page that a server sends with an
// error, in bytes. Larger ones are what the address has.
const Page = 1 << 20

// Other is the failure of a pinned archive whose bytes were others: got is the
// checksum of what the address has, "" when the engine is too old to ask.
func Other(s *pb.SourceOp, got digest.Digest) Failure {
	want := s.Attrs[pb.AttrHTTPChecksum]
	switch {
	case got == digest.FromString(""):
		return Failure{Reason: "the server sent an empty file", Transient: true,
			Hints: []string{"the server, or a proxy on the way, has a problem: try again later, or name a mirror of the file as url"}}
	case got == "" || got.String() == want:
		return Failure{Reason: "the server first answered with an error or sent an incomplete file", Transient: got != "",
			Hints: []string{"the server has a problem: try again later, or name a mirror of the file as url"}}
	}
	return Failure{
		Reason:   fmt.Sprintf("the file is not the one that is pinned\n  expected %s\n  got      %s", want, got),
		Hints:    []string{"either the file was changed upstream, or the checksum is wrong: find out which before you change the checksum"},
		Answered: true,
	}
}

// Late is the failure of a source that was not there within the time for it.
func Late(limit fmt.Stringer) Failure {
	return Failure{
		Reason: fmt.Sprintf("not fetched within %s: the server is slow or has stopped sending", limit),
		Hints:  []string{"name a mirror that is faster, or give it more time: [fetch] timeout in the site file"},
		Slow:   true,
	}
}

// LateStep is the failure of a step that installs packages from a network and was
// not done within the time for a source. index is the package index that it asks,
// "" when it is another server.
func LateStep(limit fmt.Stringer, index string) Failure {
	f := Failure{
		Reason: fmt.Sprintf("not done within %s: a server that it fetches packages from is slow or has stopped sending", limit),
		Hints:  []string{"name a faster package index, [python] index, or give it more time: [fetch] timeout in the site file"},
		Slow:   true,
	}
	if index != "" {
		f.Reason += "; fetch " + index
	}
	return f
}

const (
	reachHint = "check that the address is right and reachable from the engine (proxy, CA bundle)"
	loopHint  = "the server redirects in a loop: open the address in a browser, or name another"
	brokeHint = "the connection was interrupted: the server, or a proxy on the way, has a problem; try again later, or name a mirror"
	lostHint  = "the engine lost its connection to this machine: try again"
	downHint  = "nothing listens there: check the host and the port, and whether the server is up and can be reached from the engine"
	busyHint  = "the server limits the rate of requests: try again later, log in to it (~/.netrc), or name a mirror"
	proxyHint = "what answers there is no git server, such as a proxy's page: open the address in a browser"
	loginHint = "the server requires a login: add its host to ~/.netrc, or name a copy that requires none"
)

// file is why a file could not be fetched.
func file(said string) Failure {
	m := responseStatus.FindStringSubmatch(said)
	switch {
	case redirects.MatchString(said):
		return Failure{Reason: plainly(said), Hints: []string{loopHint}}
	case m == nil:
		return Failure{Reason: plainly(said), Hints: []string{reaching(said)}, Transient: interrupted(said)}
	}
	code, _ := strconv.Atoi(m[1])
	return status(code)
}

func status(code int) Failure {
	f := Failure{Reason: fmt.Sprintf("the server answers %d %s", code, http.StatusText(code))}
	switch {
	case code == http.StatusTooManyRequests:
		f.Hints, f.Busy, f.Transient = []string{busyHint}, true, true
	case code >= 500 || code == http.StatusRequestTimeout:
		f.Hints, f.Transient = []string{"the server has a problem: try again later, or name a mirror of the file as url"}, true
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		f.Hints, f.login = []string{loginHint}, true
	default:
		f.Hints = []string{"open the address in a browser: the file may have moved"}
	}
	return f
}

var (
	responseStatus = regexp.MustCompile(`invalid response status (\d+)`)
	// cacheKey is what BuildKit puts before an error that it met on its way to a step.
	cacheKey = regexp.MustCompile(`^failed to (load|compute) cache key: `)
	// redirects is what Go and git say of redirects in a loop.
	redirects = regexp.MustCompile(`stopped after \d+ redirects|redirects followed`)
	// absent is what servers say that are well but do not give a file.
	absent  = regexp.MustCompile(`\b(403|404|410)\b|[Nn]ot [Ff]ound|no such commit|not our ref`)
	request = regexp.MustCompile(`(?s)(?:Get|Head) "[^"]*": (.*)$`)
)

// plainly is a request's error without the request, which is named already.
func plainly(said string) string {
	if m := request.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return said
}

// An engine fetches the layers of an image when a step first needs their files.
// What goes wrong then is told of that step.
var (
	lazy = regexp.MustCompile(`failed to copy: |failed commit on ref "layer-|httpReadSeeker: `)
	blob = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
)

// Layers reports whether a step failed because the layers of an image could
// not be fetched, and which blobs the engine named.
func Layers(said string) (blobs []string, yes bool) {
	if !lazy.MatchString(said) {
		return nil, false
	}
	return blob.FindAllString(said, -1), true
}
