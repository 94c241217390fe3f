package solvetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// bridge is the engine's end of one build. What failed once in it stays failed.
type bridge struct {
	gatewayapi.LLBBridgeClient // none: what tests do not need is not there
	engine                     *Engine
	status                     chan *client.SolveStatus

	mu         sync.Mutex
	results    map[digest.Digest]*result
	containers map[string]*container
}

// result is that of a step.
type result struct {
	done chan struct{}
	err  error
}

// Ping says that the engine can do everything.
func (b *bridge) Ping(context.Context, *gatewayapi.PingRequest, ...grpc.CallOption) (*gatewayapi.PongResponse, error) {
	return &gatewayapi.PongResponse{FrontendAPICaps: gatewayapi.Caps.All(), LLBCaps: pb.Caps.All()}, nil
}

// Solve runs the steps of a definition.
func (b *bridge) Solve(ctx context.Context, req *gatewayapi.SolveRequest, _ ...grpc.CallOption) (*gatewayapi.SolveResponse, error) {
	for _, c := range req.CacheImports {
		b.imports(c.Attrs["ref"])
	}
	for _, data := range req.Definition.Def {
		var op pb.Op
		if err := proto.Unmarshal(data, &op); err != nil {
			return nil, err
		}
		d := digest.FromBytes(data)
		if op.Op == nil { // the end of the graph
			continue
		}
		if err := b.step(ctx, d, &op, req.Definition.Metadata[d.String()]); err != nil {
			return nil, err
		}
	}
	return &gatewayapi.SolveResponse{Result: &gatewayapi.Result{Result: &gatewayapi.Result_Ref{Ref: &gatewayapi.Ref{Id: "result"}}}}, ctx.Err()
}

// imports reads a cache. As BuildKit does, it says what goes wrong of a step of its
// own and goes on without.
func (b *bridge) imports(reference string) {
	name := "importing cache manifest from " + reference
	from := time.Now()
	v := client.Vertex{Digest: digest.FromString(name), Name: name, Started: &from, Completed: &from}
	if err := b.engine.reads(reference); err != nil {
		v.Error = err.Error()
	}
	b.status <- &client.SolveStatus{Vertexes: []*client.Vertex{&v}}
}

func (b *bridge) step(ctx context.Context, d digest.Digest, op *pb.Op, meta *pb.OpMetadata) error {
	if meta.GetIgnoreCache() {
		d = digest.FromString(d.String() + "-ignorecache")
	}
	name := meta.GetDescription()["llb.customname"]
	from := time.Now()
	v := client.Vertex{Digest: d, Name: name, Started: &from, Inputs: inputs(op)}
	begun := v
	b.status <- &client.SolveStatus{Vertexes: []*client.Vertex{&begun}, Logs: b.logs(d, name), Statuses: b.blobs(d, name)}
	err := b.run(ctx, d, name, asked(op))
	to := time.Now()
	v.Completed = &to
	if err != nil {
		v.Error = err.Error()
	}
	b.status <- &client.SolveStatus{Vertexes: []*client.Vertex{&v}}
	return errdefs.WrapVertex(err, d)
}

// run runs a step once in a build, as an engine does.
func (b *bridge) run(ctx context.Context, d digest.Digest, name, asked string) error {
	b.mu.Lock()
	r, ran := b.results[d]
	if !ran {
		r = &result{done: make(chan struct{})}
		b.results[d] = r
	}
	b.mu.Unlock()
	if ran {
		<-r.done
		return r.err
	}
	defer close(r.done)
	if r.err = b.engine.next(name, asked); errors.Is(r.err, ErrStalled) {
		<-ctx.Done()
		r.err = ctx.Err()
	}
	return r.err
}

func inputs(op *pb.Op) []digest.Digest {
	var out []digest.Digest
	for _, in := range op.Inputs {
		out = append(out, digest.Digest(in.Digest))
	}
	return out
}

func asked(op *pb.Op) string {
	s := op.GetSource()
	switch {
	case s == nil:
		return "run"
	case s.Attrs[pb.AttrGitFetchByCommit] == "true":
		return "alone " + s.Identifier
	}
	return s.Identifier
}

func (b *bridge) logs(d digest.Digest, name string) []*client.VertexLog {
	text := b.engine.Logs[name]
	if text == "" {
		return nil
	}
	return []*client.VertexLog{{Vertex: d, Data: []byte(text)}}
}

func (b *bridge) blobs(d digest.Digest, name string) []*client.VertexStatus {
	var out []*client.VertexStatus
	for _, blob := range b.engine.Fetches[name] {
		out = append(out, &client.VertexStatus{Vertex: d, ID: blob, Current: b.engine.Sizes[blob]})
	}
	return out
}

// ResolveSourceMeta is what a source has now.
func (b *bridge) ResolveSourceMeta(_ context.Context, req *gatewayapi.ResolveSourceMetaRequest, _ ...grpc.CallOption) (*gatewayapi.ResolveSourceMetaResponse, error) {
	id := req.Source.Identifier
	if err := b.engine.next("now " + id); err != nil {
		return nil, err
	}
	_, reference, _ := strings.Cut(id, "://")
	answer := &gatewayapi.ResolveSourceMetaResponse{Source: req.Source}
	if i, ok := b.engine.Images[reference]; ok {
		answer.Image = &gatewayapi.ResolveSourceImageResponse{Digest: i.Digest.String(), Config: i.Config}
	}
	if d, ok := b.engine.Sources[id]; ok {
		answer.HTTP = &gatewayapi.ResolveSourceHTTPResponse{Checksum: d.String()}
	}
	return answer, nil
}

// ReadFile is a file of the engine's Files.
func (b *bridge) ReadFile(_ context.Context, req *gatewayapi.ReadFileRequest, _ ...grpc.CallOption) (*gatewayapi.ReadFileResponse, error) {
	text, ok := b.engine.Files[req.FilePath]
	if !ok {
		return nil, errors.New(req.FilePath + ": no such file")
	}
	return &gatewayapi.ReadFileResponse{Data: []byte(text)}, nil
}
