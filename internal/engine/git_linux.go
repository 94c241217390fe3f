package engine

import (
	_ "embed" // the script of our git
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

// withGit is the daemon's environment in which git is ours, on a machine that has
// one. BuildKit starts git with an environment of its own and without the
// system's and the user's configuration (util/gitutil); of the daemon's only PATH
// and the proxies are left, so that a program in front of git is the one way to
// tell git of the CA bundle, and of what holds for submodules.
func (d *daemon) withGit(env map[string]string) map[string]string {
	if !hasGit(env["PATH"]) {
		return env
	}
	out := maps.Clone(env)
	out["PATH"] = d.gitFolder() + ":" + env["PATH"]
	return out
}

func hasGit(path string) bool {
	return slices.ContainsFunc(filepath.SplitList(path), func(dir string) bool {
		info, err := os.Stat(filepath.Join(dir, "git"))
		return err == nil && !info.IsDir()
	})
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

// gitMirrors is git's configuration of mirrors, by url.<base>.insteadOf
// (git-config(1)), which takes the longest beginning as well. An address up to a
// border is two beginnings: one that ends in it, and the whole of a repository's.
func gitMirrors(mirrors []Mirror) string {
	var b strings.Builder
	for _, m := range mirrors {
		from, to := strings.TrimRight(m.From, "/"), strings.TrimRight(m.To, "/")
		fmt.Fprintf(&b, "[url %s]\n", quoteConfig(to+"/"))
		if strings.HasSuffix(from, ":") { // git@host:
			fmt.Fprintf(&b, "\tinsteadOf = %s\n", quoteConfig(from))
			continue
		}
		fmt.Fprintf(&b, "\tinsteadOf = %s\n", quoteConfig(from+"/"))
		if strings.HasSuffix(from, ".git") {
			fmt.Fprintf(&b, "[url %s]\n\tinsteadOf = %s\n", quoteConfig(to), quoteConfig(from))
		}
	}
	return b.String()
}

// quoteConfig is a value in a file of git's configuration.
func quoteConfig(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// gitScript is our git: the real one, looked for each time in the rest of PATH.
// BuildKit fetches submodules from where the repository says, with its login for
// that one repository: they come from mirrors, and the login is for its host.
//
//go:embed git.sh
var gitScript string

// writeGit puts our git where the daemon looks for git first.
func (d *daemon) writeGit() error {
	path, ours := strings.CutPrefix(d.environ["PATH"], d.gitFolder()+":")
	if !ours {
		return nil
	}
	if err := os.MkdirAll(d.gitFolder(), 0o700); err != nil {
		return err
	}
	mirrors := filepath.Join(d.gitFolder(), "mirrors")
	if err := writeFile(mirrors, []byte(d.mirrors)); err != nil {
		return err
	}
	script := strings.NewReplacer("@EXPORTS@\n", gitExports(d.environ), "@MIRRORS@", llb.Quote(mirrors), "@PATH@", llb.Quote(path)).Replace(gitScript)
	file := filepath.Join(d.gitFolder(), "git")
	if err := writeFile(file, []byte(script)); err != nil {
		return err
	}
	return os.Chmod(file, 0o700) // #nosec G302 -- it is a program
}
