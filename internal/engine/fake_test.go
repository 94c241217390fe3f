package engine

import (
	"context"
	"net"
	"testing"

	control "github.com/moby/buildkit/api/services/control"
	apitypes "github.com/moby/buildkit/api/types"
	bridge "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	pbcaps "github.com/moby/buildkit/util/apicaps/pb"
	"google.golang.org/grpc"
)

// fake is a BuildKit that answers like one and can build nothing: it takes a
// build that asks for nothing but its capabilities.
type fake struct {
	workers int
	missing apicaps.CapID // a capability that it lacks
	version string        // "" is today's; "none" does not know the question
	options []grpc.ServerOption
	control func(fakeControl) control.ControlServer // does more than the fake; may be nil
}

// serve answers on the listener until the server is stopped.
func (f fake) serve(l net.Listener) *grpc.Server {
	server := grpc.NewServer(f.options...)
	returned := make(chan struct{}, 16)
	service := control.ControlServer(fakeControl{workers: f.workers, version: f.version, returned: returned})
	if f.control != nil {
		service = f.control(fakeControl{workers: f.workers, version: f.version, returned: returned})
	}
	control.RegisterControlServer(server, service)
	bridge.RegisterLLBBridgeServer(server, fakeBridge{missing: f.missing, returned: returned})
	go func() { _ = server.Serve(l) }() // ends with Stop
	return server
}

// listen serves on a socket as long as the test runs.
func (f fake) listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.serve(l).Stop)
	return l
}

type fakeControl struct {
	control.UnimplementedControlServer
	workers  int
	version  string
	returned chan struct{}
}

// Info tells the version.
func (c fakeControl) Info(ctx context.Context, r *control.InfoRequest) (*control.InfoResponse, error) {
	if c.version == "none" {
		return c.UnimplementedControlServer.Info(ctx, r)
	}
	return &control.InfoResponse{BuildkitVersion: &apitypes.BuildkitVersion{Version: c.version}}, nil
}

// ListWorkers lists as many as the fake has.
func (c fakeControl) ListWorkers(context.Context, *control.ListWorkersRequest) (*control.ListWorkersResponse, error) {
	resp := &control.ListWorkersResponse{}
	for range c.workers {
		resp.Record = append(resp.Record, &apitypes.WorkerRecord{ID: "fake"})
	}
	return resp, nil
}

// Solve waits until the client has its answer.
func (c fakeControl) Solve(ctx context.Context, _ *control.SolveRequest) (*control.SolveResponse, error) {
	select {
	case <-c.returned:
		return &control.SolveResponse{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Session takes what the client offers and asks for none of it.
func (fakeControl) Session(s control.Control_SessionServer) error {
	for {
		if _, err := s.Recv(); err != nil {
			return nil
		}
	}
}

// Status has no news.
func (fakeControl) Status(*control.StatusRequest, control.Control_StatusServer) error { return nil }

type fakeBridge struct {
	bridge.UnimplementedLLBBridgeServer
	missing  apicaps.CapID
	returned chan struct{}
}

// Ping tells the capabilities.
func (b fakeBridge) Ping(context.Context, *bridge.PingRequest) (*bridge.PongResponse, error) {
	return &bridge.PongResponse{FrontendAPICaps: bridge.Caps.All(), LLBCaps: capsBut(b.missing)}, nil
}

// Return ends the build.
func (b fakeBridge) Return(context.Context, *bridge.ReturnRequest) (*bridge.ReturnResponse, error) {
	b.returned <- struct{}{}
	return &bridge.ReturnResponse{}, nil
}

// capsBut is all capabilities but one.
func capsBut(id apicaps.CapID) []*pbcaps.APICap {
	var list []*pbcaps.APICap
	for _, c := range pb.Caps.All() {
		if c.ID != string(id) {
			list = append(list, c)
		}
	}
	return list
}
