package faults

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/medbuild/medbuild/integration/kit"
)

// scriptProject is an image of a base and one small file of its own.
func scriptProject(t *testing.T) string {
	t.Helper()
	dir := kit.Project(t, kit.Components("scripts", "stage = \"files\"\nversion = \"1\"\nprefix = \"/opt/scripts\"\nfiles = [{ from = \"hello.sh\", to = \"bin/hello\", mode = \"0755\" }]\n"))
	kit.WriteFile(t, filepath.Join(dir, "hello.sh"), kit.Own(t, "#!/bin/sh\necho hello\n"))
	return dir
}

// hub is a registry that may refuse some requests.
type hub struct {
	http.Handler
	refuses func(*http.Request) bool
	code    int
	body    string
}

// ServeHTTP answers a request.
func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.refuses == nil || !h.refuses(r) {
		h.Handler.ServeHTTP(w, r)
		return
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
	w.WriteHeader(h.code)
	_, _ = io.WriteString(w, h.body) // the client may have gone
}

func (h *hub) serve(t *testing.T) (host string) {
	t.Helper()
	h.Handler = kit.EmptyRegistry()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func uploads(r *http.Request) bool { return r.Method == http.MethodPost }

// refusing is a registry that answers uploads so.
func refusing(t *testing.T, code int, body string) (host string) {
	t.Helper()
	return (&hub{refuses: uploads, code: code, body: body}).serve(t)
}

// A push that is refused names the registry and its answer, and its exit code says
// whether another try may help.
func TestPushRefused(t *testing.T) {
	kit.SharedEngine(t)
	dir := scriptProject(t)
	push := func(host string) kit.Result { return kit.Built(t, dir, "--tag", host+"/lab/test:1", "--push") }
	host := refusing(t, http.StatusMethodNotAllowed, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`)
	push(host).Failed(t, 1, "push "+host+"/lab/test:1: registry "+host+` answers "unsupported", the code for 405 Method Not Allowed`, "\nhint: nothing can be pushed there")
	host = refusing(t, http.StatusTooManyRequests, "")
	push(host).Failed(t, 75, "registry "+host+" answers 429 Too Many Requests to POST /v2/lab/test/blobs/uploads/", "\nhint: the registry limits")
}

// A registry on this machine that has TLS is reached once the site file names its
// certificate authority; until then the error says so.
func TestPushOverTLS(t *testing.T) {
	kit.SharedEngine(t)
	s := httptest.NewUnstartedServer(kit.EmptyRegistry())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	dir := scriptProject(t)
	tag := strings.TrimPrefix(s.URL, "https://") + "/lab/test:1"
	kit.Built(t, dir, "--tag", tag, "--push").Failed(t, 1, "push "+tag+": registry", "answers 400 Bad Request", "\nhint: the engine uses plain HTTP", "[[registries]] ca")
	ca, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "site.toml")
	kit.WriteFile(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	kit.WriteFile(t, file, "[[registries]]\nhost = \""+strings.TrimPrefix(s.URL, "https://")+"\"\nca = \""+ca+"\"\n")
	t.Setenv("MEDBUILD_SITE", file)
	kit.Built(t, dir, "--tag", tag, "--push").OK(t)
	if _, err := remote.Head(kit.Must(name.ParseReference(tag))(t), remote.WithTransport(s.Client().Transport)); err != nil {
		t.Error(err)
	}
}

// A cache in a registry that asks for a login, has a problem or has lost a layer is
// one that is not read: the build says so and goes on without it.
func TestCacheFaults(t *testing.T) {
	kit.SharedEngine(t)
	dir := scriptProject(t)
	h := &hub{}
	reference := h.serve(t) + "/lab/cache:1"
	kit.Built(t, dir, "--cache-to", "ref="+reference).OK(t)
	read := func(says ...string) {
		t.Helper()
		r := kit.Built(t, dir, "--cache-from", "ref="+reference, "--output", "type=oci,dest=image.tar").OK(t)
		for _, text := range says {
			if strings.Count(r.Stderr, "cache "+reference+" is not read: "+text) != 1 {
				t.Errorf("%q was not said once: %s", text, r.Stderr)
			}
		}
	}
	h.refuses = everyRequest
	for code, says := range map[int]string{401: "answers 401 Unauthorized", 500: "answers 500 Internal Server Error"} {
		h.code = code
		host, _, _ := strings.Cut(reference, "/")
		read("registry " + host + " " + says + " to HEAD /v2/lab/cache/manifests/1")
	}
	kit.Medbuild(t, "prune", "--all").OK(t)
	h.code, h.refuses = http.StatusNotFound, lostLayers()
	read("it has no blob sha256:")
	h.refuses = uploads
	kit.Built(t, dir, "--cache-to", "ref="+reference+"-2").Failed(t, 1, "--cache-to "+reference+"-2: registry ", "answers 404 Not Found", "\nhint: the image itself was built")
}

func everyRequest(*http.Request) bool { return true }

// lostLayers refuses all blobs but the first that is asked for, the list of the
// cache's contents.
func lostLayers() func(*http.Request) bool {
	var list atomic.Value
	return func(r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		list.CompareAndSwap(nil, r.URL.Path)
		return list.Load() != r.URL.Path
	}
}
