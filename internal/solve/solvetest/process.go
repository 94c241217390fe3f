package solvetest

import (
	"context"
	"io"
	"sync"

	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Process is a command that runs in a container.
type Process struct {
	*pb.Meta
	TTY            bool
	Mounts         []*pb.Mount
	Network        pb.NetMode
	Stdin          io.Reader // at its end when there is none
	Stdout, Stderr io.Writer
	Signals        <-chan string
	Sizes          <-chan [2]uint32 // columns and rows
	Killed         <-chan struct{}  // the container is taken down, or the build ends
	Break          func(error)      // ends the stream of all processes
}

// container is one that was made.
type container struct {
	request *gatewayapi.NewContainerRequest
	down    chan struct{}
	once    sync.Once
}

// NewContainer makes a container.
func (b *bridge) NewContainer(_ context.Context, req *gatewayapi.NewContainerRequest, _ ...grpc.CallOption) (*gatewayapi.NewContainerResponse, error) {
	if err := b.engine.next("container"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.containers[req.ContainerID] = &container{request: req, down: make(chan struct{})}
	return &gatewayapi.NewContainerResponse{}, nil
}

// ReleaseContainer takes a container down.
func (b *bridge) ReleaseContainer(_ context.Context, req *gatewayapi.ReleaseContainerRequest, _ ...grpc.CallOption) (*gatewayapi.ReleaseContainerResponse, error) {
	c := b.container(req.ContainerID)
	c.once.Do(func() { close(c.down) })
	return &gatewayapi.ReleaseContainerResponse{}, nil
}

func (b *bridge) container(id string) *container {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.containers[id]
}

// ExecProcess opens the stream of a build's processes.
func (b *bridge) ExecProcess(ctx context.Context, _ ...grpc.CallOption) (gatewayapi.LLBBridge_ExecProcessClient, error) {
	if b.engine.NoStream != nil {
		return nil, b.engine.NoStream
	}
	return &stream{ctx: ctx, bridge: b, out: make(chan *gatewayapi.ExecMessage), broken: make(chan error, 1), running: map[string]*running{}}, nil
}

type stream struct {
	grpc.ClientStream // none
	ctx               context.Context
	bridge            *bridge
	out               chan *gatewayapi.ExecMessage
	broken            chan error

	mu      sync.Mutex
	running map[string]*running
}

// running is a process and the ends of what reaches it.
type running struct {
	stdin   *io.PipeWriter
	signals chan string
	sizes   chan [2]uint32
}

// Context is the stream's.
func (s *stream) Context() context.Context { return s.ctx }

// Recv is the next message of a process.
func (s *stream) Recv() (*gatewayapi.ExecMessage, error) {
	select {
	case m := <-s.out:
		return m, nil
	case err := <-s.broken:
		return nil, err
	case <-s.ctx.Done():
		return nil, status.FromContextError(s.ctx.Err()).Err()
	}
}

// Send takes a message for a process.
func (s *stream) Send(m *gatewayapi.ExecMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if init := m.GetInit(); init != nil {
		s.begin(m.ProcessID, init)
		return nil
	}
	r := s.running[m.ProcessID]
	if f := m.GetFile(); f != nil {
		_, err := r.stdin.Write(f.Data)
		if f.EOF {
			err = r.stdin.Close()
		}
		return err
	}
	if sig := m.GetSignal(); sig != nil {
		r.signals <- sig.Name
	}
	if size := m.GetResize(); size != nil {
		r.sizes <- [2]uint32{size.Cols, size.Rows}
	}
	return nil
}

func (s *stream) begin(id string, init *gatewayapi.InitMessage) {
	c := s.bridge.container(init.ContainerID)
	stdin, w := io.Pipe()
	r := &running{stdin: w, signals: make(chan string, 8), sizes: make(chan [2]uint32, 8)}
	s.running[id] = r
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		select {
		case <-c.down:
		case <-s.ctx.Done():
		}
		_ = w.CloseWithError(io.EOF)
	}()
	p := Process{Meta: init.Meta, TTY: init.Tty, Mounts: c.request.Mounts, Network: c.request.Network, Stdin: stdin,
		Stdout: file{s, id, 1}, Stderr: file{s, id, 2}, Signals: r.signals, Sizes: r.sizes, Killed: killed,
		Break: func(err error) { s.broken <- err }}
	go s.run(id, init.Fds, p, stdin)
}

func (s *stream) run(id string, fds []uint32, p Process, stdin *io.PipeReader) {
	s.send(&gatewayapi.ExecMessage{ProcessID: id, Input: &gatewayapi.ExecMessage_Started{Started: &gatewayapi.StartedMessage{}}})
	exit := &gatewayapi.ExitMessage{Code: uint32(s.bridge.engine.Command(p))}
	if exit.Code != 0 {
		exit.Error = &spb.Status{Code: int32(codes.Unknown), Message: "the command failed"}
	}
	_ = stdin.Close()
	// As an engine may that gives up a stream: the end before the code, and the
	// code before the end of what was written.
	s.send(&gatewayapi.ExecMessage{ProcessID: id, Input: &gatewayapi.ExecMessage_Done{Done: &gatewayapi.DoneMessage{}}})
	s.send(&gatewayapi.ExecMessage{ProcessID: id, Input: &gatewayapi.ExecMessage_Exit{Exit: exit}})
	s.output(id, 1, &gatewayapi.FdMessage{Data: []byte(s.bridge.engine.LastWords)})
	for _, fd := range fds {
		s.output(id, fd, &gatewayapi.FdMessage{EOF: true})
	}
}

func (s *stream) output(id string, fd uint32, m *gatewayapi.FdMessage) {
	if m.Fd = fd; fd != 0 && (m.EOF || len(m.Data) > 0) {
		s.send(&gatewayapi.ExecMessage{ProcessID: id, Input: &gatewayapi.ExecMessage_File{File: m}})
	}
}

func (s *stream) send(m *gatewayapi.ExecMessage) {
	select {
	case s.out <- m:
	case <-s.ctx.Done():
	}
}

// file is a stream of a process.
type file struct {
	stream *stream
	id     string
	fd     uint32
}

// Write sends what a process writes.
func (f file) Write(p []byte) (int, error) {
	f.stream.output(f.id, f.fd, &gatewayapi.FdMessage{Data: append([]byte(nil), p...)})
	return len(p), nil
}
