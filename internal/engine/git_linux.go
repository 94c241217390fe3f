package engine

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// caSettings are git's names of what Go calls by others: the CA bundle, and a
// folder of certificates.
var caSettings = map[string]string{"SSL_CERT_FILE": "GIT_SSL_CAINFO", "SSL_CERT_DIR": "GIT_SSL_CAPATH"}

// gitFolder is where our git lies.
func (d *daemon) gitFolder() string { return d.path("bin") }

// withGit is the daemon's environment in which git is ours, if the site has a CA
// bundle. BuildKit starts git with an environment of its own and without the
// system's and the user's configuration (util/gitutil); of the daemon's only PATH
// and the proxies are left, so that a program in front of git is the one way to
// tell git of the bundle.
func (d *daemon) withGit(env map[string]string) map[string]string {
	if gitExports(env) == "" {
		return env
	}
	out := maps.Clone(env)
	out["PATH"] = d.gitFolder() + ":" + env["PATH"]
	return out
}

// gitExports sets for git what the daemon's environment sets for Go; "" when
// that is nothing.
func gitExports(env map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(caSettings)) {
		value := env[name]
		if name == "SSL_CERT_DIR" {
			value, _, _ = strings.Cut(value, ":") // git takes one folder
		}
		if value != "" {
			fmt.Fprintf(&b, "export %s=%s\n", caSettings[name], llb.Quote(value))
		}
	}
	return b.String()
}

// writeGit puts our git where the daemon looks for git first. The real one is
// looked for each time, in the rest of PATH.
func (d *daemon) writeGit() error {
	exports := gitExports(d.environ)
	if exports == "" {
		return nil
	}
	if err := os.MkdirAll(d.gitFolder(), 0o700); err != nil {
		return err
	}
	script := "#!/bin/sh\n# Written by medbuild at every start: git for this site's CA bundle.\n" + exports +
		"PATH=" + llb.Quote(strings.TrimPrefix(d.environ["PATH"], d.gitFolder()+":")) + "\nexport PATH\nexec git \"$@\"\n"
	path := filepath.Join(d.gitFolder(), "git")
	if err := writeFile(path, []byte(script)); err != nil {
		return err
	}
	return os.Chmod(path, 0o700) // #nosec G302 -- it is a program
}
