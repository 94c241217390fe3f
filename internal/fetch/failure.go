package fetch

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
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
	Untrusted bool     // whoever fetched does not know the server's certificate authority
	Absent    bool     // the repository does not give the commit
	login     bool     // the server asks who is there
}

// Why reads what the engine said when it could not fetch a source.
func Why(s *pb.SourceOp, said string) Failure {
	f := of(s.GetIdentifier(), said)
	f.Answered = absent.MatchString(said)
	f.Untrusted = untrusted.MatchString(said)
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

// Other is the failure of a pinned archive whose bytes were others: got is the
// checksum of what the address has now, "" when the engine is too old to ask.
func Other(s *pb.SourceOp, got digest.Digest) Failure {
	want := s.Attrs[pb.AttrHTTPChecksum]
	if got == "" || got.String() == want {
		return Failure{Reason: "the server first answered with an error or sent an incomplete file", Transient: got != ""}
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
		Reason:    fmt.Sprintf("not fetched within %s: the server is slow or has stopped sending", limit),
		Hints:     []string{"name a mirror that is faster, or give it more time: [fetch] timeout in the site file"},
		Transient: false,
	}
}

const (
	reachHint = "check that the address is right and reachable from the engine (proxy, CA bundle)"
	loopHint  = "the server redirects without end: open the address in a browser, or name another"
	loginHint = "the server requires a login: add its host to ~/.netrc, or name a copy that requires none"
)

// file is why a file could not be fetched.
func file(said string) Failure {
	m := responseStatus.FindStringSubmatch(said)
	switch {
	case redirects.MatchString(said):
		return Failure{Reason: plainly(said), Hints: []string{loopHint}}
	case m == nil:
		return Failure{Reason: plainly(said), Hints: []string{reachHint}, Transient: interrupted(said)}
	}
	code, _ := strconv.Atoi(m[1])
	return status(code)
}

func status(code int) Failure {
	f := Failure{Reason: fmt.Sprintf("the server answers %d %s", code, http.StatusText(code))}
	switch {
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		f.Hints, f.Transient = []string{"the server is in trouble: try again later, or name a mirror of the file as url"}, true
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		f.Hints, f.login = []string{loginHint}, true
	default:
		f.Hints = []string{"open the address in a browser: the file may have moved"}
	}
	return f
}

// git is why a repository could not be fetched, in one line.
func git(said string) Failure {
	if strings.Contains(said, "not our ref") || strings.Contains(said, "reference is not a tree") {
		return Failure{Reason: "the repository has no such commit", Absent: true,
			Hints: []string{"check the commit: a tag may have been moved, or a branch rewritten"}}
	}
	if _, text, ok := strings.Cut(said, "git stderr:\n"); ok {
		said = strings.Join(strings.Fields(text), " ")
	}
	switch {
	case wantsLogin.MatchString(said):
		return Failure{Reason: said, Hints: []string{loginHint}, login: true}
	case redirects.MatchString(said):
		return Failure{Reason: said, Hints: []string{loopHint}}
	}
	return Failure{Reason: said, Hints: []string{reachHint}, Transient: interrupted(said)}
}

// image is why an image could not be fetched.
func image(said string) Failure {
	f := Failure{Reason: cacheKey.ReplaceAllString(plainly(said), ""), Transient: interrupted(said)}
	switch {
	case wantsLogin.MatchString(said):
		f.Hints, f.login = []string{"the registry requires a login: docker login stores one"}, true
	case redirects.MatchString(said):
		f.Hints = []string{loopHint}
	case strings.Contains(said, "unexpected commit digest"):
		f.Hints = []string{"the registry, or a proxy on the way, sent content that does not match the digest: try again, or name another registry"}
	case absent.MatchString(said):
		f.Hints = []string{"check the image's name and digest in the registry: it may have been deleted"}
	}
	return f
}

var (
	responseStatus = regexp.MustCompile(`invalid response status (\d+)`)
	// cacheKey is what BuildKit puts before an error that it met on its way to a step.
	cacheKey = regexp.MustCompile(`^failed to (load|compute) cache key: `)
	// redirects is what Go and git say of redirects without end.
	redirects  = regexp.MustCompile(`stopped after \d+ redirects|redirects followed`)
	wantsLogin = regexp.MustCompile(`\b401\b|could not read Username|Authentication failed|[Uu]nauthorized|insufficient_scope`)
	// absent is what servers say that are well but do not give a file.
	absent = regexp.MustCompile(`\b(403|404|410)\b|[Nn]ot [Ff]ound|no such commit|not our ref`)
	// untrusted is what Go and git, with each of its TLS libraries, say of a
	// certificate whose authority they do not know.
	untrusted = regexp.MustCompile(`certificate signed by unknown authority|certificate verification failed|SSL certificate problem`)
	request   = regexp.MustCompile(`(?s)(?:Get|Head) "[^"]*": (.*)$`)
)

// plainly is a request's error without the request, which is named already.
func plainly(said string) string {
	if m := request.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return said
}

// interrupted reports whether an error is a transient one.
func interrupted(said string) bool {
	return slices.ContainsFunc([]string{"unexpected EOF", "connection reset", "broken pipe", "i/o timeout", "TLS handshake timeout",
		"early EOF", "RPC failed", "returned error: 50", "503 Service Unavailable", "502 Bad Gateway", "500 Internal Server Error"},
		func(s string) bool { return strings.Contains(said, s) })
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
