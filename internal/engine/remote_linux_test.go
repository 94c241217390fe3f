package engine

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunningDaemonIsFound(t *testing.T) {
	s := newSite(t)
	own := s.find(s.options())
	defer s.close(own)
	f := bareMachine(t, map[string]string{"XDG_RUNTIME_DIR": filepath.Join(s.root, "user")})
	socket := strings.TrimPrefix(own.Address, "unix://")

	given, err := f.find(t.Context(), Options{Address: own.Address})
	s.check(given, err, Given, 0)

	f.systemSocket = socket
	system, err := f.find(t.Context(), Options{})
	s.check(system, err, System, 0)

	f = bareMachine(t, nil)
	f.dockerSocket = "unix://" + s.dockerEngine(own)
	docker, err := f.find(t.Context(), Options{})
	s.check(docker, err, Docker, 1)
}

func (s *site) check(e *Engine, err error, kind Kind, refused int) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	if e.Kind != kind || len(e.Refused) != refused || e.InDocker() != (kind == Docker) || e.Log != "" {
		s.Errorf("engine is %+v", e)
	}
	// A solve needs the session as well: files go back over it.
	if err := s.solve(s.Context(), e, "sleep", "0s"); err != nil {
		s.Errorf("a solve on %s: %v", kind, err)
	}
	if err := e.Close(); err != nil {
		s.Error(err)
	}
}

// dockerEngine serves the two upgrades of Docker's API in front of a real
// BuildKit, and returns its socket.
func (s *site) dockerEngine(daemon *Engine) string {
	s.Helper()
	socket := filepath.Join(s.root, "docker.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		s.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /grpc", func(w http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("unix", strings.TrimPrefix(daemon.Address, "unix://"))
		s.pipe(w, r, to, err)
	})
	mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
		meta := map[string][]string{}
		for k, v := range r.Header {
			if strings.HasPrefix(k, "X-Docker-") {
				meta[strings.ToLower(k)] = v
			}
		}
		to, err := daemon.Client.Dialer()(context.WithoutCancel(r.Context()), r.Header.Get("Upgrade"), meta)
		s.pipe(w, r, to, err)
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }() // ends with Close
	s.Cleanup(func() { _ = server.Close() })
	return socket
}

func (s *site) pipe(w http.ResponseWriter, r *http.Request, to net.Conn, err error) {
	if err != nil {
		s.Error(err)
		return
	}
	from := upgrade(s.T, w, r)
	defer from.Close()
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, from) // ends when either side closes
		to.Close()
	}()
	_, _ = io.Copy(from, to)
}
