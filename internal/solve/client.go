package solve

import (
	"context"
	"errors"

	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	digest "github.com/opencontainers/go-digest"
)

// Client is one build on the engine.
type Client struct {
	Gateway gateway.Client
	Ref     string // of the build on the engine
	session *Session
}

// State solves one state. Where that may help its sources are fetched again, or
// from the next mirror; if they come, the job's work is done once more.
func (c *Client) State(ctx context.Context, state llb.State) (*gateway.Result, error) {
	def, err := c.session.definition(ctx, state, c.abilities())
	if err != nil {
		return nil, err
	}
	read := c.session.imports()
	res, err := c.evaluate(ctx, def, imports(read))
	if old := c.session.staleFor(ctx, read, err); old != nil {
		return nil, old
	}
	var f *failure
	switch {
	case errors.As(err, &f) && c.session.sources.mendable(f):
		return nil, c.session.refetch(ctx, graphOf(def), f)
	case err != nil && ctx.Err() == nil && fetch.Lost(err.Error()):
		return nil, c.session.lost(err)
	}
	return res, err
}

func imports(entries []client.CacheOptionsEntry) []gateway.CacheOptionsEntry {
	var out []gateway.CacheOptionsEntry
	for _, i := range entries {
		out = append(out, gateway.CacheOptionsEntry{Type: i.Type, Attrs: i.Attrs})
	}
	return out
}

// evaluate solves a definition. A step that fails comes as a *failure.
func (c *Client) evaluate(ctx context.Context, def *bk.Definition, imports []gateway.CacheOptionsEntry) (*gateway.Result, error) {
	g := graphOf(def)
	patient, end := c.session.watch(g).over(ctx)
	res, err := c.Gateway.Solve(patient, gateway.SolveRequest{Evaluate: true, Definition: def.ToPB(), CacheImports: imports})
	late := end()
	switch {
	case err == nil || ctx.Err() != nil:
		return res, err
	case late != nil:
		return nil, late
	}
	return nil, c.failed(ctx, g, err)
}

// failed is the engine's error as the failure of one of the graph's steps; any
// other error is left as it is.
func (c *Client) failed(ctx context.Context, g graph, err error) error {
	var vertex *errdefs.VertexError
	if !errors.As(err, &vertex) {
		return err
	}
	f := g.failure(digest.Digest(vertex.Digest))
	if f == nil {
		return err
	}
	f.tell(vertex, err)
	g.lazily(c.session.Progress.Record, f)
	c.session.sources.named(f)
	if f.full = files.Full(c.session.Root); f.address != "" && !f.full {
		f.Failure = c.why(ctx, g, f)
	}
	return f
}

// why finds out why a source could not be fetched. Where what the engine said
// tells nothing it is asked again: other bytes may be those of an error page. What
// is too large for one is not fetched once more.
func (c *Client) why(ctx context.Context, g graph, f *failure) fetch.Failure {
	op, _, _ := g.find(f.digest)
	s := op.GetSource()
	if !fetch.Ambiguous(s, f.Reason) {
		return fetch.Why(s, f.Reason)
	}
	came := fetch.Came(f.Reason)
	if came != "" && c.session.discard(ctx, f.asked) > fetch.Page {
		return fetch.Other(s, came)
	}
	answer, err := c.Gateway.ResolveSourceMetadata(ctx, fetch.Unpinned(s), sourceresolver.Opt{})
	switch {
	case err != nil:
		return fetch.Why(s, err.Error())
	case answer.HTTP == nil:
		return fetch.Other(s, "")
	}
	return fetch.Other(s, answer.HTTP.Digest)
}
