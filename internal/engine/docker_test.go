package engine

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	control "github.com/moby/buildkit/api/services/control"
	apitypes "github.com/moby/buildkit/api/types"
	"github.com/moby/buildkit/client"
	"google.golang.org/grpc"
)

// workers is a gRPC service as small as the API allows.
type workers struct {
	control.UnimplementedControlServer
}

// ListWorkers returns one worker.
func (workers) ListWorkers(context.Context, *control.ListWorkersRequest) (*control.ListWorkersResponse, error) {
	return &control.ListWorkersResponse{Record: []*apitypes.WorkerRecord{{ID: "behind the upgrade"}}}, nil
}

// handed is a listener of connections that come from elsewhere.
type handed struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Accept returns the next connection.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (h *handed) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr returns an address that nobody dials.
func (*handed) Addr() net.Addr { return &net.UnixAddr{Name: "handed", Net: "unix"} }

// upgrade answers like Docker's API does and returns the raw connection.
func upgrade(t *testing.T, w http.ResponseWriter, r *http.Request) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return nil
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n"); err != nil {
		t.Error(err)
	}
	return conn
}

func TestDockerCarriesGRPC(t *testing.T) {
	t.Parallel()
	accepted := &handed{conns: make(chan net.Conn, 4), done: make(chan struct{})}
	service := grpc.NewServer()
	control.RegisterControlServer(service, workers{})
	go func() { _ = service.Serve(accepted) }() // ends with Stop
	t.Cleanup(service.Stop)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/grpc" || r.Header.Get("Upgrade") != "h2c" {
			t.Errorf("request is %s %s to %q", r.Method, r.URL, r.Header.Get("Upgrade"))
		}
		accepted.conns <- upgrade(t, w, r)
	}))
	t.Cleanup(api.Close)
	dial, err := dockerDialer(strings.Replace(api.URL, "http", "tcp", 1))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(t.Context(), "", dial.grpc(), dial.session())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	list, err := c.ListWorkers(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != "behind the upgrade" {
		t.Errorf("workers are %v (%v)", list, err)
	}
}

func TestDockerSessionHeaders(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := upgrade(t, w, r)
		defer conn.Close()
		_, err := io.WriteString(conn, r.URL.Path+" "+strings.Join(r.Header.Values("X-Docker-Expose-Session-Grpc-Method"), ","))
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(api.Close)
	conn, err := dialNet("tcp", api.Listener.Addr().String()).upgrade(t.Context(), "/session", "h2c",
		map[string][]string{"X-Docker-Expose-Session-Grpc-Method": {"/a", "/b"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "/session /a,/b" {
		t.Errorf("the session got %q (%v)", got, err)
	}
}

func TestDockerRefusesUpgrade(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(api.Close)
	_, err := openDocker(t.Context(), strings.Replace(api.URL, "http", "tcp", 1))
	if err == nil || !strings.Contains(err.Error(), "no upgrade to h2c: 404 Not Found") {
		t.Errorf("error is %v", err)
	}
}

func TestDockerWithoutMerge(t *testing.T) {
	t.Parallel()
	got := problem.Text(refusal("Docker", dockerHint(errCannotMerge)))
	if !strings.Contains(got, "classic image store\nhint: ") || !strings.Contains(got, `"containerd-snapshotter": true`) {
		t.Errorf("refusal is %s", got)
	}
}
