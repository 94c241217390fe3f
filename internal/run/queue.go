package run

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/medbuild/medbuild/internal/solve"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	"google.golang.org/grpc"
)

// Two things of BuildKit's protocol for processes need care.
//
// Its client sends input while it holds a lock that it also needs for receiving
// output. With a command that writes while it reads, such as cat or gzip, both
// ends then wait for each other. So messages go to the engine through a queue,
// which takes them at once and is kept short where the input comes from.
//
// Its daemon gives up a whole stream when input comes for a process that has
// ended, such as head. The word that all is done then overtakes the exit code,
// for which the client waits for ever, and the end of the output, which it does
// not wait for at all. So the three are put in order, and every container has a
// stream of its own.

// maxQueued is how many bytes of input may wait.
const maxQueued = 1 << 20

// queue is messages on their way to the engine.
type queue struct {
	mu     sync.Mutex
	news   sync.Cond
	waits  []*gatewayapi.ExecMessage
	bytes  int // of input among them
	closed bool
	err    error // of sending
	broken func(error)
}

// newQueue is an empty queue; broken is told when the engine is lost.
func newQueue(broken func(error)) *queue {
	q := &queue{broken: broken}
	q.news.L = &q.mu
	return q
}

// gateway is a client for a build on the engine whose messages to processes go
// through the queue.
func (q *queue) gateway(ctx context.Context, e Engine, c *solve.Client) (gateway.Client, error) {
	opts := c.Gateway.BuildOpts()
	return grpcclient.New(ctx, opts.Opts, opts.SessionID, opts.Product, queuedClient{e.GatewayClientForBuild(c.Ref), q}, opts.Workers)
}

type queuedClient struct {
	gatewayapi.LLBBridgeClient
	queue *queue
}

// ExecProcess opens the stream of all processes.
func (c queuedClient) ExecProcess(ctx context.Context, opts ...grpc.CallOption) (gatewayapi.LLBBridge_ExecProcessClient, error) {
	stream, err := c.LLBBridgeClient.ExecProcess(ctx, opts...)
	if err != nil {
		return nil, err
	}
	go c.queue.drain(stream)
	context.AfterFunc(stream.Context(), c.queue.close)
	return &queuedStream{LLBBridge_ExecProcessClient: stream, queue: c.queue, endings: endings{of: map[string]*ending{}}}, nil
}

type queuedStream struct {
	gatewayapi.LLBBridge_ExecProcessClient
	queue   *queue
	endings endings
	next    []*gatewayapi.ExecMessage
}

// Send puts a copy of m in the queue; the caller uses its bytes again.
func (s *queuedStream) Send(m *gatewayapi.ExecMessage) error {
	if init := m.GetInit(); init != nil {
		s.endings.expect(m.GetProcessID(), init.Fds)
	}
	return s.queue.put(m.CloneVT())
}

// Recv is the next message, each process's last after its exit code and its
// output. A stream that breaks ends the run: nobody would tell the processes'
// readers.
func (s *queuedStream) Recv() (*gatewayapi.ExecMessage, error) {
	for len(s.next) == 0 {
		m, err := s.LLBBridge_ExecProcessClient.Recv()
		if err != nil {
			s.queue.broken(fmt.Errorf("lost the engine: %w", err))
			return nil, err
		}
		s.next = s.endings.order(m)
	}
	m := s.next[0]
	s.next = s.next[1:]
	return m, nil
}

func (q *queue) put(m *gatewayapi.ExecMessage) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits = append(q.waits, m)
	q.bytes += len(m.GetFile().GetData())
	q.news.Broadcast()
	return q.err
}

// drain sends what is in the queue until it is closed.
func (q *queue) drain(stream gatewayapi.LLBBridge_ExecProcessClient) {
	for {
		m := q.next()
		if m == nil {
			return
		}
		err := stream.Send(m)
		q.mu.Lock()
		q.bytes -= len(m.GetFile().GetData())
		q.err = err
		q.news.Broadcast()
		q.mu.Unlock()
	}
}

func (q *queue) next() *gatewayapi.ExecMessage {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waits) == 0 && !q.closed {
		q.news.Wait()
	}
	if q.closed {
		return nil
	}
	m := q.waits[0]
	q.waits = q.waits[1:]
	return m
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.news.Broadcast()
}

// room waits until more input fits.
func (q *queue) room() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes >= maxQueued && !q.closed {
		q.news.Wait()
	}
}

// input reads no faster than the queue empties.
type input struct {
	io.ReadCloser
	queue *queue
}

// Read waits for room in the queue first.
func (i input) Read(p []byte) (int, error) {
	i.queue.room()
	return i.ReadCloser.Read(p)
}
