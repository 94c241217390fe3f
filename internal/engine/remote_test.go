package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
)

func found(t *testing.T, f finder, o Options, kind Kind, refused int) *Engine {
	t.Helper()
	e, err := f.find(t.Context(), o)
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	if e.Kind != kind || len(e.Refused) != refused || e.InDocker() != (kind == Docker) || e.Log != "" {
		t.Errorf("engine is %+v", e)
	}
	for range 2 { // the second time does nothing
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	return e
}

// Whatever runs is found where it listens, in the order of the search.
func TestFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := bareMachine(t, map[string]string{"XDG_RUNTIME_DIR": dir})
	l := fake{workers: 1}.listen(t, "tcp", "127.0.0.1:0")
	address := "tcp://" + l.Addr().String()
	if e := found(t, f, Options{Address: address}, Given, 0); e.Address != address {
		t.Errorf("address is %s", e.Address)
	}
	own := f
	own.child = func(ctx context.Context, _ Options) (*Engine, error) { return openRemote(ctx, Child, address, TLS{}) }
	found(t, own, Options{}, Child, 3)
	f.dockerSocket = dockerAPI(t, http.StatusOK)
	found(t, f, Options{}, Docker, 2)
	f.systemSocket = filepath.Join(dir, "system.sock")
	fake{workers: 1}.listen(t, "unix", f.systemSocket)
	found(t, f, Options{}, System, 0)
}

// An engine that answers and cannot be used says why, and what would help.
func TestUseless(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fake fake
		want string
	}{
		{fake{}, "answers, but has no workers"},
		{fake{workers: 1, missing: pb.CapMergeOp}, "cannot merge layers (BuildKit's MergeOp and DiffOp)\nhint: give --engine the address"},
		{fake{workers: 1, missing: pb.CapDiffOp}, "cannot merge layers"},
	} {
		l := tt.fake.listen(t, "tcp", "127.0.0.1:0")
		_, err := bareMachine(t, nil).find(t.Context(), Options{Address: "tcp://" + l.Addr().String()})
		if err == nil || !strings.Contains(problem.Text(err), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.fake, err, tt.want)
		}
	}
}

// An engine that takes connections and says nothing is not waited for.
func TestSilentEngine(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := client.New(t.Context(), "tcp://"+l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = probe(t.Context(), c, 50*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") || problem.ExitCode(err) != 75 {
		t.Errorf("error is %v", err)
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]time.Duration{
		"unix:///a.sock": 5 * time.Second, "tcp://a:1": 10 * time.Second, "ssh://me@a": 30 * time.Second,
	} {
		if got := patience(address); got != want {
			t.Errorf("%s may take %s, want %s", address, got, want)
		}
	}
}

// The environment's address is no fault of the command line's.
func TestClassOfNoEngine(t *testing.T) {
	t.Parallel()
	_, err := bareMachine(t, map[string]string{"BUILDKIT_HOST": "nowhere"}).find(t.Context(), Options{})
	if err == nil || problem.ClassOf(err) != problem.Failed {
		t.Errorf("class %d of %v", problem.ClassOf(err), err)
	}
	if err := (Options{Address: "nowhere"}).Check(); problem.ClassOf(err) != problem.Usage {
		t.Errorf("class %d of %v", problem.ClassOf(err), err)
	}
	for _, address := range []string{"", "child", "docker", "ssh://me@host", "docker-container://x"} {
		if err := (Options{Address: address}).Check(); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// dockerAPI is a Docker Engine whose BuildKit is a fake; its bridge network is
// answered with a status. It returns the engine's address.
func dockerAPI(t *testing.T, bridge int) string {
	t.Helper()
	return dockerAPIOf(t, fake{workers: 1}, bridge)
}

func dockerAPIOf(t *testing.T, f fake, bridge int) string {
	t.Helper()
	accepted := &handed{conns: make(chan net.Conn, 4), done: make(chan struct{})}
	t.Cleanup(f.serve(accepted).Stop)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /grpc", func(w http.ResponseWriter, r *http.Request) { accepted.conns <- upgrade(t, w, r) })
	mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
		conn := upgrade(t, w, r)
		defer conn.Close()
		_, _ = io.Copy(io.Discard, conn) // ends with the session
	})
	mux.HandleFunc("GET /networks/bridge", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(bridge) })
	api := httptest.NewServer(mux)
	t.Cleanup(api.Close)
	return strings.Replace(api.URL, "http", "tcp", 1)
}

// A Docker without the bridge network has the machine's alone.
func TestDockerBridge(t *testing.T) {
	t.Parallel()
	for status, host := range map[int]bool{http.StatusOK: false, http.StatusNotFound: true} {
		f := bareMachine(t, nil)
		f.dockerSocket = dockerAPI(t, status)
		if e := found(t, f, Options{Address: "docker"}, Docker, 0); e.HostNetwork != host {
			t.Errorf("status %d: host network is %v", status, e.HostNetwork)
		}
	}
	_, err := openDocker(t.Context(), dockerAPI(t, http.StatusTeapot))
	if err == nil || !strings.Contains(err.Error(), "asking for its networks: 418") {
		t.Errorf("error is %v", err)
	}
}

// A context that ends while Docker thinks about the upgrade ends the wait.
func TestUpgradeIsCancelled(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := dialNet("tcp", l.Addr().String()).upgrade(ctx, "/grpc", "h2c", nil); err == nil || !strings.HasPrefix(err.Error(), "docker's /grpc: ") {
		t.Errorf("error is %v", err)
	}
}

func TestDockerAddresses(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"tcp://%": "not an address", "unix:///nowhere/docker.sock": "not running, or not accessible"} {
		if _, err := openDocker(t.Context(), host); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", host, err, want)
		}
	}
	f := finder{getenv: func(k string) string { return map[string]string{"DOCKER_CONTEXT": "x", "DOCKER_CONFIG": "/nowhere"}[k] }}
	if host, err := f.dockerHost(""); host != "context x" || err == nil {
		t.Errorf("host is %q (%v)", host, err)
	}
	if e := f.docker("", Options{}); e.name != "Docker at context x" {
		t.Errorf("attempt is %q", e.name)
	}
}
