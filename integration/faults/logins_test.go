package faults

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/medbuild/medbuild/integration/kit"
)

// logins makes a home with a netrc file for this machine's sites and a Docker
// config for a registry.
func logins(t *testing.T, registry string) {
	t.Helper()
	home := t.TempDir()
	kit.WriteFile(t, filepath.Join(home, ".netrc"), "machine 127.0.0.1 login reader password "+readerPassword+"\n")
	auth := base64.StdEncoding.EncodeToString([]byte("puller:" + pullerPassword))
	kit.WriteFile(t, filepath.Join(home, ".docker/config.json"), fmt.Sprintf("{\"auths\": {%q: {\"auth\": %q}}}\n", registry, auth))
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", filepath.Join(home, ".docker"))
}

// dockerLogins is what logins wrote for the registry.
func dockerLogins() authn.Keychain { return authn.DefaultKeychain }
