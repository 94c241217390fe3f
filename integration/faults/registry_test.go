package faults

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
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

// refusing is a registry that answers uploads so.
func refusing(t *testing.T, code int, body string) (host string) {
	t.Helper()
	hub := kit.EmptyRegistry()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			hub.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body) // the client may have gone
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// A push that is refused names the registry and its answer, and its exit code says
// whether another try may help.
func TestPushRefused(t *testing.T) {
	kit.SharedEngine(t)
	dir := scriptProject(t)
	push := func(host string) kit.Result { return kit.Built(t, dir, "--tag", host+"/lab/test:1", "--push") }
	host := refusing(t, http.StatusMethodNotAllowed, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`)
	push(host).Failed(t, 1, "push "+host+"/lab/test:1: registry "+host+` answers "unsupported", the code for 405 Method Not Allowed`, "\nhint: nothing can be written there")
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
	kit.Built(t, dir, "--tag", tag, "--push").Failed(t, 1, "push "+tag+": registry", "answers 400 Bad Request", "\nhint: the engine speaks plain http", "[[registries]] ca")
	ca, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "site.toml")
	kit.WriteFile(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	kit.WriteFile(t, file, "[[registries]]\nhost = \""+strings.TrimPrefix(s.URL, "https://")+"\"\nca = \""+ca+"\"\n")
	t.Setenv("MEDBUILD_SITE", file)
	kit.Built(t, dir, "--tag", tag, "--push").OK(t)
	if _, err := remote.Head(kit.Must(name.ParseReference(tag))(t), remote.WithTransport(s.Client().Transport)); err != nil {
		t.Error(err)
	}
}
