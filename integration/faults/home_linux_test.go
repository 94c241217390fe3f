package faults

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

// tokens is a registry that answers those who have its token, which everybody
// gets: Docker Hub is one.
func tokens(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			fmt.Fprint(w, `{"token": "open"}`)
		case r.Header.Get("Authorization") != "Bearer open":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="hub",scope="repository:lab/tool:pull,push"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// A home that cannot be written, as many services have it, is no hindrance: what
// is kept there is only kept, and the engine has its own place.
func TestReadOnlyHome(t *testing.T) {
	kit.SharedEngine(t)
	reference := kit.PushedTo(t, tokens(kit.EmptyRegistry()), "lab/tool:1", map[string]string{"opt/tool/bin/tool": kit.Own(t, "#!/bin/sh\necho tool 1.0\n")})
	dir := kit.Project(t, kit.Components("tool", fmt.Sprintf("stage = \"archive\"\nversion = \"1.0\"\nprefix = \"/opt/tool\"\nlicence = \"MIT\"\n"+
		"version_command = \"/opt/tool/bin/tool\"\nsource = { image = %q, path = \"/opt/tool\" }\n", reference)))
	home := t.TempDir()
	if err := syscall.Mount("tmpfs", home, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		t.Skip("this machine allows no mounts:", err)
	}
	t.Cleanup(func() { kit.NoError(t, unmount(home)) })
	for _, name := range []string{"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DOCKER_CONFIG"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", home)
	r := kit.Built(t, dir, "--output", "type=oci,dest="+filepath.Join(dir, "out.tar")).OK(t)
	if strings.Contains(strings.ToLower(r.Stderr), "read-only") {
		t.Errorf("the read-only home is complained of: %s", r.Stderr)
	}
}
