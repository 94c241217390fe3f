// Package upstream serves stand-ins of the sites that sources come from, on
// loopback and under the paths that the real ones have: archives, which can
// fail in the ways that servers do, and git repositories.
package upstream

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Site is one server. It is safe for concurrent use.
type Site struct {
	server *httptest.Server

	mu    sync.Mutex
	files map[string]*file
	repos map[string]string // folder of a bare repository by path
}

type file struct {
	content []byte
	large   Large // in place of content
	size    int64 // of large
	asked   int
	faults  []Fault // for the next requests, the first for the next one
	always  Fault   // once faults are used up
}

// Fault answers a request in place of the site.
type Fault func(w http.ResponseWriter, content []byte)

// New starts a site that has nothing yet. Close ends it.
func New() *Site {
	s := &Site{files: map[string]*file{}, repos: map[string]string{}}
	s.server = httptest.NewServer(s)
	return s
}

// Secure serves the site by TLS as well, with a certificate that no machine's CA
// bundle has. It returns that address and the certificate authority's certificate
// as PEM. end ends it.
func (s *Site) Secure() (address string, ca []byte, end func()) {
	server := httptest.NewTLSServer(s)
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server.URL, ca, server.Close
}

// Close ends the site and the requests under way.
func (s *Site) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}

// Put serves content at path and returns its address and sha256.
func (s *Site) Put(path string, content []byte) (address, sum string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = &file{content: content}
	digest := sha256.Sum256(content)
	return s.server.URL + path, hex.EncodeToString(digest[:])
}

// Fail answers the next requests for path, or for anything of the repository
// there, with the faults, one each.
func (s *Site) Fail(path string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path].faults = faults
}

// FailAlways answers every request for path with the fault; nil ends it.
func (s *Site) FailAlways(path string, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path].always = fault
}

// Asked is how often path was asked for.
func (s *Site) Asked(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[path].asked
}

// ServeHTTP answers a request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	root, dir := s.repository(r.URL.Path)
	path := r.URL.Path
	if dir != "" {
		path = root
	}
	f, fault := s.take(path)
	switch {
	case f == nil:
		http.NotFound(w, r)
	case fault != nil:
		fault(w, f.content)
	case dir != "":
		serveGit(w, r, root, dir)
	case f.large != nil:
		w.Header().Set("Content-Length", strconv.FormatInt(f.size, 10))
		_ = f.large(w)
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(f.content)))
		_, _ = w.Write(f.content) // the client may have gone
	}
}

func (s *Site) take(path string) (*file, Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[path]
	if !ok {
		return nil, nil
	}
	f.asked++
	if len(f.faults) == 0 {
		return f, f.always
	}
	fault := f.faults[0]
	f.faults = f.faults[1:]
	return f, fault
}

// Status answers with a status and a page that says so.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ []byte) {
		http.Error(w, fmt.Sprintf("<html>%d %s</html>", code, http.StatusText(code)), code)
	}
}

// Wrong answers with other bytes of the same length.
func Wrong(w http.ResponseWriter, content []byte) {
	other := make([]byte, len(content))
	_, _ = w.Write(other)
}

// Cut breaks the connection off in the middle of the content.
func Cut(w http.ResponseWriter, content []byte) {
	half(w, content)
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// Slow sends the first half of the content, waits and sends the rest.
func Slow(wait time.Duration) Fault {
	return func(w http.ResponseWriter, content []byte) {
		half(w, content)
		time.Sleep(wait)
		_, _ = w.Write(content[len(content)/2:])
	}
}

// Stall sends the first half of the content and then nothing, until the client
// goes.
func Stall(w http.ResponseWriter, content []byte) {
	half(w, content)
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
}

// Loop sends the client back to where it came from.
func Loop(w http.ResponseWriter, _ []byte) {
	w.Header().Set("Location", "?again")
	w.WriteHeader(http.StatusFound)
}

// half announces all of the content, or that something comes where there is none.
func half(w http.ResponseWriter, content []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(max(1, len(content))))
	_, _ = w.Write(content[:len(content)/2]) // the client may have gone
	_ = http.NewResponseController(w).Flush()
}

// Refused is an address at which nothing listens.
func Refused(path string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return "http://" + l.Addr().String() + path, l.Close()
}
