package kit

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/medbuild/medbuild/integration/upstream"
)

// EmptyRegistry is a registry that has nothing and says nothing.
func EmptyRegistry() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// RegistryHost is the address of an empty registry that ends with the test.
func RegistryHost(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(EmptyRegistry())
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// Pushed puts an image with one layer into a registry that ends with the test,
// and returns its reference by digest.
func Pushed(t testing.TB, tag string, files map[string]string) string {
	t.Helper()
	return PushedTo(t, EmptyRegistry(), tag, files)
}

// PushedTo is Pushed for a registry that can fail.
func PushedTo(t testing.TB, hub http.Handler, tag string, files map[string]string) string {
	t.Helper()
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	return PushTo(t, server, tag, files)
}

// PushTo is PushedTo for a registry that is served already.
func PushTo(t testing.TB, server *httptest.Server, tag string, files map[string]string) string {
	t.Helper()
	archive := Must(upstream.Tarball(files))(t)
	layer := Must(tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }))(t)
	img := Must(mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64"}))(t)
	img = Must(mutate.AppendLayers(img, layer))(t)
	reference := strings.TrimPrefix(server.URL, "http://") + "/" + tag
	NoError(t, remote.Write(Must(name.ParseReference(reference))(t), img))
	return reference + "@" + Must(img.Digest())(t).String()
}
