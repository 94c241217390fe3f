package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/moby/buildkit/util/errutil"
	"github.com/moby/buildkit/util/resolver"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// refusal is a registry that answers everything so; an empty body is none, and a
// code of 0 breaks the connection.
type refusal struct {
	code int
	body string
}

// ServeHTTP answers a request.
func (r refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if r.code == 0 {
		conn, _, _ := http.NewResponseController(w).Hijack()
		_ = conn.Close()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.code)
	_, _ = io.WriteString(w, r.body)
}

// pushed is what BuildKit says of a push of one blob to a registry: its own client
// with the words that its exporter has around (exporter/containerimage).
func pushed(t *testing.T, host string) string {
	t.Helper()
	reference := host + "/lab/tool:1"
	hub := docker.NewResolver(docker.ResolverOptions{Hosts: resolver.NewRegistryConfig(nil)})
	pusher, err := hub.Pusher(t.Context(), reference)
	if err != nil {
		t.Fatal(err)
	}
	if err = push(t.Context(), pusher, []byte("layer")); err == nil {
		return ""
	}
	return fmt.Sprintf("failed to solve: failed to push %s: %s", reference, errutil.WithDetails(err))
}

func push(ctx context.Context, to remotes.Pusher, data []byte) error {
	blob := ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageLayer, Digest: digest.FromBytes(data), Size: int64(len(data))}
	w, err := to.Push(ctx, blob)
	if err != nil {
		return err
	}
	defer w.Close()
	return content.Copy(ctx, w, bytes.NewReader(data), blob.Size, blob.Digest)
}

// onlyWrites has a registry answer questions as an empty one does.
func onlyWrites(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Of each way in which a registry refuses a push the error names the registry, the
// repository, the answer and what to do; what is worth another try is transient.
func TestRefusedPush(t *testing.T) {
	t.Parallel()
	const upload = " to POST /v2/lab/tool/blobs/uploads/"
	for name, c := range map[string]struct {
		registry  refusal
		says      string
		hint      string
		transient bool
	}{
		"405 with a code":     {refusal{405, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`}, `answers "unsupported", the code for 405 Method Not Allowed`, "read-only", false},
		"405":                 {refusal{405, "no"}, "answers 405 Method Not Allowed" + upload + ": no", "read-only", false},
		"401":                 {refusal{401, ""}, "answers 401 Unauthorized" + upload, "docker login", false},
		"403 with a code":     {refusal{403, `{"errors":[{"code":"DENIED","message":"no rights"}]}`}, `answers "denied: no rights", the code for 403 Forbidden`, "the account's permissions", false},
		"404 with a code":     {refusal{404, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}`}, ": unknown: repository name not known to registry", "create it there", false},
		"413":                 {refusal{413, ""}, "answers 413 Request Entity Too Large" + upload, "limits how large", false},
		"429 with a code":     {refusal{429, `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`}, `answers "toomanyrequests: slow down", the code for 429 Too Many Requests`, "limits the rate", true},
		"429":                 {refusal{429, ""}, "answers 429 Too Many Requests" + upload, "limits the rate", true},
		"500":                 {refusal{500, "boom"}, "answers 500 Internal Server Error" + upload + ": boom", "has a problem", true},
		"500 of its own":      {refusal{500, `{"errors":[{"code":"UNKNOWN","message":"unknown error"}]}`}, `answers "unknown", the code for 500 Internal Server Error`, "has a problem", true},
		"501":                 {refusal{501, ""}, "answers 501 Not Implemented" + upload, "check the registry's address", false},
		"503 with a code":     {refusal{503, `{"errors":[{"code":"UNAVAILABLE","message":"maintenance"}]}`}, `answers "unavailable: maintenance", the code for 503 Service Unavailable`, "has a problem", true},
		"a broken connection": {refusal{}, ": EOF", "the connection was interrupted", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(onlyWrites(c.registry))
			defer s.Close()
			host := strings.TrimPrefix(s.URL, "http://")
			told(t, pushed(t, host), "push "+host+"/lab/tool:1: registry "+host, c.says, c.hint, c.transient)
		})
	}
}

func told(t *testing.T, said, begins, says, hint string, transient bool) {
	t.Helper()
	f, yes := Registry(said)
	if !yes || !strings.HasPrefix(f.Reason, begins) || !strings.Contains(f.Reason, says) || f.Transient != transient {
		t.Errorf("%q is told as %q (%v), transient %v, want %q", said, f.Reason, yes, f.Transient, says)
	}
	if len(f.Hints) != 1 || !strings.Contains(f.Hints[0], hint) {
		t.Errorf("%q has the hints %q, want %q", said, f.Hints, hint)
	}
}

// A registry that nobody runs, and one with TLS where the engine speaks plain http.
func TestUnreachedRegistry(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(refusal{500, ""})
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{}
	s.StartTLS()
	host := strings.TrimPrefix(s.URL, "https://")
	told(t, pushed(t, host), "push "+host+"/lab/tool:1: registry "+host, "answers 400 Bad Request to HEAD", "plain HTTP for registries on its own machine", false)
	s.Close()
	told(t, pushed(t, host), "push "+host+"/lab/tool:1: registry "+host, "connection refused", "nothing listens there", true)
}

// Words that no server here can be made to say, and those of a cache's export.
func TestRegistryWords(t *testing.T) {
	t.Parallel()
	const request = `failed to do request: Head "https://hub.example/v2/lab/tool/blobs/sha256:0": `
	for _, c := range []struct {
		said, says, hint string
		transient        bool
	}{
		{request + "dial tcp 192.0.2.1:443: i/o timeout", "registry hub.example: dial tcp 192.0.2.1:443: i/o timeout", "the connection was interrupted", true},
		{request + "net/http: TLS handshake timeout", "TLS handshake timeout", "the connection was interrupted", true},
		{request + "net/http: timeout awaiting response headers", "awaiting response", "the connection was interrupted", true},
		{request + "context deadline exceeded", "deadline exceeded", "the connection was interrupted", true},
		{request + "read tcp 192.0.2.2:1->192.0.2.1:443: read: connection reset by peer", "connection reset", "the connection was interrupted", true},
		{request + "dial tcp: lookup hub.example: no such host", "no such host", "check that the address", false},
		{request + "tls: failed to verify certificate: x509: certificate signed by unknown authority", "unknown authority", "[[registries]] ca", false},
		{request + "http: server gave HTTP response to HTTPS client", "gave HTTP response", "[[registries]] insecure", false},
		{"error writing layer blob: unexpected status from POST request to https://hub.example/v2/lab/cache/blobs/uploads/?token=x: 502 Bad Gateway", "registry hub.example answers 502 Bad Gateway to POST /v2/lab/cache/blobs/uploads/", "has a problem", true},
		{"error writing manifest blob: denied", `answers "denied"`, "the account's permissions", false},
	} {
		told(t, "failed to solve: "+c.said, "registry ", c.says, c.hint, c.transient)
	}
	for _, said := range []string{"exit code: 1", "failed to solve: no route to host", ""} {
		if f, yes := Registry(said); yes {
			t.Errorf("%q is a registry's: %+v", said, f)
		}
	}
}
