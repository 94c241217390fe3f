// Package solvetest is an engine for tests: it solves nothing and answers as it
// is told to.
package solvetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"
	"google.golang.org/protobuf/proto"
)

// ErrStalled is the failure of a step that goes on until its solve is cancelled.
var ErrStalled = errors.New("stalled")

// Image is what an engine knows of an image.
type Image struct {
	Digest digest.Digest
	Config []byte
}

// Engine is an engine. All steps succeed but those that Fail names.
type Engine struct {
	// Fail has the errors of a step, by its name or by what it fetches, of
	// questions for an image by its reference, and for a source by its
	// identifier. Each counts once; nil is a success.
	Fail    map[string][]error
	Images  map[string]Image         // by reference
	Sources map[string]digest.Digest // what addresses have now; others cannot be asked
	Logs    map[string]string        // what steps say, by name
	Fetches map[string][]string      // the blobs that a step fetches, by name
	Files   map[string]string        // of every result
	Exports error                    // of exporting a result

	mu     sync.Mutex
	solved []string
	opts   []client.SolveOpt
}

// Solved lists the steps that were run and what was asked for, in order.
func (e *Engine) Solved() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.solved...)
}

// Options lists what the builds were begun with.
func (e *Engine) Options() []client.SolveOpt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]client.SolveOpt(nil), e.opts...)
}

// Build is one build. As on the way from an engine, an error becomes text.
func (e *Engine) Build(ctx context.Context, opt client.SolveOpt, _ string, run gateway.BuildFunc, status chan *client.SolveStatus) (*client.SolveResponse, error) {
	defer close(status)
	e.mu.Lock()
	e.opts = append(e.opts, opt)
	e.mu.Unlock()
	_, err := run(ctx, &gatewayClient{engine: e, status: status, results: map[digest.Digest]*result{}})
	if err == nil && len(opt.Exports) > 0 {
		err = e.Exports
	}
	if err != nil {
		return nil, errors.New(err.Error())
	}
	return &client.SolveResponse{ExporterResponse: map[string]string{"ref": opt.Ref}}, nil
}

// next takes the next error of one of the names.
func (e *Engine) next(names ...string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.solved = append(e.solved, names[len(names)-1])
	for _, n := range names {
		if all := e.Fail[n]; len(all) > 0 {
			e.Fail[n] = all[1:]
			return all[0]
		}
	}
	return nil
}

// gatewayClient is the client of one build. What failed once in it stays failed.
type gatewayClient struct {
	engine *Engine
	status chan *client.SolveStatus

	mu      sync.Mutex
	results map[digest.Digest]*result
}

var _ gateway.Client = (*gatewayClient)(nil)

// Solve runs the steps of a definition.
func (c *gatewayClient) Solve(ctx context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	for _, data := range req.Definition.Def {
		d := digest.FromBytes(data)
		var op pb.Op
		if err := proto.Unmarshal(data, &op); err != nil {
			return nil, err
		}
		if op.Op == nil {
			continue
		}
		if err := c.step(ctx, d, &op, req.Definition.Metadata[d.String()]); err != nil {
			return nil, err
		}
	}
	res := gateway.NewResult()
	res.SetRef(&reference{files: c.engine.Files})
	return res, ctx.Err()
}

func (c *gatewayClient) step(ctx context.Context, d digest.Digest, op *pb.Op, meta *pb.OpMetadata) error {
	if meta.GetIgnoreCache() {
		d = digest.FromString(d.String() + "-ignorecache")
	}
	name := meta.GetDescription()["llb.customname"]
	from := time.Now()
	c.status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Name: name, Started: &from}},
		Logs: c.logs(d, name), Statuses: c.blobs(d, name)}
	err := c.run(ctx, d, name, op)
	to := time.Now()
	v := &client.Vertex{Digest: d, Name: name, Started: &from, Completed: &to}
	if err != nil {
		v.Error = err.Error()
	}
	c.status <- &client.SolveStatus{Vertexes: []*client.Vertex{v}}
	return errdefs.WrapVertex(err, d)
}

// run runs a step once in a build, as an engine does.
func (c *gatewayClient) run(ctx context.Context, d digest.Digest, name string, op *pb.Op) error {
	c.mu.Lock()
	r, ran := c.results[d]
	if !ran {
		r = &result{done: make(chan struct{})}
		c.results[d] = r
	}
	c.mu.Unlock()
	if ran {
		<-r.done
		return r.err
	}
	defer close(r.done)
	if r.err = c.engine.next(name, Asked(op)); errors.Is(r.err, ErrStalled) {
		<-ctx.Done()
		r.err = ctx.Err()
	}
	return r.err
}

// result is that of a step.
type result struct {
	done chan struct{}
	err  error
}

// Asked is what a step asks for: the identifier of a source, or "run".
func Asked(op *pb.Op) string {
	if s := op.GetSource(); s != nil {
		return s.Identifier
	}
	return "run"
}

func (c *gatewayClient) logs(d digest.Digest, name string) []*client.VertexLog {
	text := c.engine.Logs[name]
	if text == "" {
		return nil
	}
	return []*client.VertexLog{{Vertex: d, Data: []byte(text)}}
}

func (c *gatewayClient) blobs(d digest.Digest, name string) []*client.VertexStatus {
	var out []*client.VertexStatus
	for _, blob := range c.engine.Fetches[name] {
		out = append(out, &client.VertexStatus{Vertex: d, ID: blob})
	}
	return out
}

// ResolveImageConfig is what the engine knows of an image.
func (c *gatewayClient) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if err := c.engine.next(ref); err != nil {
		return "", "", nil, err
	}
	i := c.engine.Images[ref]
	return ref, i.Digest, i.Config, nil
}

// ResolveSourceMetadata is what an address has now.
func (c *gatewayClient) ResolveSourceMetadata(_ context.Context, op *pb.SourceOp, _ sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	if err := c.engine.next("now " + op.Identifier); err != nil {
		return nil, err
	}
	answer := &sourceresolver.MetaResponse{Op: op}
	if d, ok := c.engine.Sources[op.Identifier]; ok {
		answer.HTTP = &sourceresolver.ResolveHTTPResponse{Digest: d}
	}
	return answer, nil
}

// BuildOpts has nothing.
func (c *gatewayClient) BuildOpts() gateway.BuildOpts { return gateway.BuildOpts{} }

// Inputs are none.
func (c *gatewayClient) Inputs(context.Context) (map[string]bk.State, error) { return nil, nil }

// NewContainer fails: nothing runs here.
func (c *gatewayClient) NewContainer(context.Context, gateway.NewContainerRequest) (gateway.Container, error) {
	return nil, errors.ErrUnsupported
}

// Warn is not heard.
func (c *gatewayClient) Warn(context.Context, digest.Digest, string, gateway.WarnOpts) error {
	return nil
}

// reference is a result.
type reference struct{ files map[string]string }

// ToState fails: nothing was solved.
func (r *reference) ToState() (bk.State, error) { return bk.Scratch(), errors.ErrUnsupported }

// Evaluate has nothing to do.
func (r *reference) Evaluate(context.Context) error { return nil }

// ReadFile is a file of the engine's Files.
func (r *reference) ReadFile(_ context.Context, req gateway.ReadRequest) ([]byte, error) {
	text, ok := r.files[req.Filename]
	if !ok {
		return nil, errors.New(req.Filename + ": no such file")
	}
	return []byte(text), nil
}

// StatFile fails.
func (r *reference) StatFile(context.Context, gateway.StatRequest) (*fstypes.Stat, error) {
	return nil, errors.ErrUnsupported
}

// ReadDir fails.
func (r *reference) ReadDir(context.Context, gateway.ReadDirRequest) ([]*fstypes.Stat, error) {
	return nil, errors.ErrUnsupported
}
