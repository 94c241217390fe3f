package build

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/medbuild/medbuild/internal/files"

	"github.com/moby/buildkit/client"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// tries is how often a source is fetched before a build gives up on it.
const tries = 3

// backoff is the wait before the second try; each further one waits twice as long.
const backoff = time.Second

// fetchFailure finds out why a source could not be fetched. Of a pinned archive
// the engine says only that its bytes are others, also when they are those of
// an error page: it is asked again without the pin.
func fetchFailure(ctx context.Context, c gateway.Client, g graph, e *StepError) {
	op, _, _ := g.find(e.digest)
	s := op.GetSource()
	said := e.Err.Error()
	if strings.HasPrefix(s.GetIdentifier(), "git://") {
		e.because(said)(gitFailure(said))
		return
	}
	if !strings.HasPrefix(s.GetIdentifier(), "http") {
		e.because(said)(imageFailure(said))
		return
	}
	if !strings.Contains(said, "digest mismatch") {
		e.because(said)(noAnswer(said))
		return
	}
	want := s.Attrs[pb.AttrHTTPChecksum]
	got, err := unpinned(ctx, c, s)
	switch {
	case err != nil:
		e.because(err.Error())(noAnswer(err.Error()))
	case got == "" || got.String() == want:
		e.Err, e.passing = errors.New("the server first answered with an error or cut the file off"), got != ""
	default:
		e.answered = true
		e.Err = fmt.Errorf("the file is not the one that is pinned\n  expected %s\n  got      %s", want, got)
		e.Hint = "the file was changed where it comes from, or the checksum is wrong: look at both before you change it"
	}
}

// unpinned is the checksum of what the address has now; "" when the engine is
// too old to ask.
func unpinned(ctx context.Context, c gateway.Client, s *pb.SourceOp) (digest.Digest, error) {
	attrs := map[string]string{}
	for k, v := range s.Attrs {
		if k != pb.AttrHTTPChecksum {
			attrs[k] = v
		}
	}
	answer, err := c.ResolveSourceMetadata(ctx, &pb.SourceOp{Identifier: s.Identifier, Attrs: attrs}, sourceresolver.Opt{})
	if err != nil || answer.HTTP == nil {
		return "", err
	}
	return answer.HTTP.Digest, nil
}

var responseStatus = regexp.MustCompile(`invalid response status (\d+)`)

// noAnswer is a failed request in words, what to do about it, and whether to
// try again.
func noAnswer(said string) (hint string, passing bool, cause error) {
	m := responseStatus.FindStringSubmatch(said)
	if redirects.MatchString(said) {
		return loopHint, false, errors.New(plainly(said))
	}
	if m == nil {
		return "look whether the address is right and reachable from the engine (proxy, CA bundle)", interrupted(said), errors.New(plainly(said))
	}
	code, _ := strconv.Atoi(m[1])
	cause = fmt.Errorf("the server answers %d %s", code, http.StatusText(code))
	switch {
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return "the server is in trouble: try again later, or name a mirror of the file as url", true, cause
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return loginHint, false, cause
	}
	return "look at the address in a browser: the file may have moved", false, cause
}

// gitFailure is what git said, in one line.
func gitFailure(said string) (hint string, passing bool, cause error) {
	if strings.Contains(said, "not our ref") || strings.Contains(said, "reference is not a tree") {
		return "look at the commit: a tag may have been moved, or a branch rewritten", false, errors.New("the repository has no such commit")
	}
	if _, text, ok := strings.Cut(said, "git stderr:\n"); ok {
		said = strings.Join(strings.Fields(text), " ")
	}
	if wantsLogin.MatchString(said) {
		return loginHint, false, errors.New(said)
	}
	if redirects.MatchString(said) {
		return loopHint, false, errors.New(said)
	}
	return "look whether the address is right and reachable from the engine (proxy, CA bundle)", interrupted(said), errors.New(said)
}

// cacheKey is what BuildKit puts before an error that it met on its way to a step.
var cacheKey = regexp.MustCompile(`^failed to (load|compute) cache key: `)

// redirects is what Go and git say of redirects without end.
var redirects = regexp.MustCompile(`stopped after \d+ redirects|redirects followed`)

// loopHint is what to do about them.
const loopHint = "the server sends from one address to the next and back: look at the address in a browser, or name another"

// imageFailure is why an image could not be fetched.
func imageFailure(said string) (hint string, passing bool, cause error) {
	cause = errors.New(cacheKey.ReplaceAllString(plainly(said), ""))
	switch {
	case wantsLogin.MatchString(said):
		hint = "the registry wants to know who asks: docker login keeps the login for it"
	case redirects.MatchString(said):
		hint = loopHint
	case strings.Contains(said, "unexpected commit digest"):
		hint = "the registry, or what stands between, sends other bytes than were asked for: try again, or name another registry"
	case absent.MatchString(said):
		hint = "look at the image's name and digest in the registry: it may have been deleted"
	}
	return hint, interrupted(said), cause
}

// loginHint is what to do where a server asks who is there.
const loginHint = "the server wants to know who asks: write the login for its host into ~/.netrc, or take a copy that is free to fetch"

var wantsLogin = regexp.MustCompile(`\b401\b|could not read Username|Authentication failed|[Uu]nauthorized|insufficient_scope`)

// absent is what servers say that are well but do not give a file.
var absent = regexp.MustCompile(`\b(403|404|410)\b|[Nn]ot [Ff]ound|no such commit|not our ref`)

// because completes a source's failure with the reason for what was said.
func (e *StepError) because(said string) func(hint string, passing bool, cause error) {
	return func(hint string, passing bool, cause error) {
		e.Hint, e.passing, e.Err = hint, passing, cause
		e.answered = absent.MatchString(said)
	}
}

// plainly is a request's error without the request, which is named already.
func plainly(said string) string {
	if m := request.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return said
}

var request = regexp.MustCompile(`(?s)(?:Get|Head) "[^"]*": (.*)$`)

// interrupted reports whether an error is one of those that pass.
func interrupted(said string) bool {
	return slices.ContainsFunc([]string{"unexpected EOF", "connection reset", "broken pipe", "i/o timeout", "TLS handshake timeout",
		"early EOF", "RPC failed", "returned error: 50", "503 Service Unavailable", "502 Bad Gateway", "500 Internal Server Error"},
		func(s string) bool { return strings.Contains(said, s) })
}

// evaluate solves a definition; a failed step comes as a *StepError.
func (b *Builder) evaluate(ctx context.Context, c gateway.Client, def *bk.Definition, imports []gateway.CacheOptionsEntry) (*gateway.Result, error) {
	g := graphOf(def)
	patient, end := b.patient(ctx, g)
	res, err := c.Solve(patient, gateway.SolveRequest{Evaluate: true, Definition: def.ToPB(), CacheImports: imports})
	late := end()
	if err == nil || ctx.Err() != nil {
		return res, err
	}
	if late != nil {
		return nil, late
	}
	err = failure(err, g)
	e := (*StepError)(nil)
	if !errors.As(err, &e) {
		return nil, err
	}
	b.lazily(g, e)
	b.named(e)
	e.full = files.Full(b.Root)
	if e.Address != "" && !e.full {
		fetchFailure(ctx, c, g, e)
	}
	return nil, err
}

// solve is one run of the engine. What goes wrong in run is returned as it is:
// on its way through the engine it would become text.
func (b *Builder) solve(ctx context.Context, opt client.SolveOpt, run gateway.BuildFunc) (*client.SolveResponse, error) {
	status, shown := b.Progress.channel()
	var failed error
	resp, err := b.Client.Build(ctx, opt, "medbuild", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := run(ctx, c)
		failed = err
		return res, err
	}, status)
	<-shown
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil && failed != nil {
		return nil, failed
	}
	return resp, err
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

func (b *Builder) say(notice string) {
	if b.Say != nil {
		b.Say(notice)
	}
}
