package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gitOf is a daemon of a folder with a quote in its name, on a machine whose git
// prints its environment and its arguments.
func gitOf(t *testing.T, add map[string]string) (d *daemon, own string) {
	t.Helper()
	own = t.TempDir()
	script := "#!/bin/sh\necho \"$GIT_SSL_CAINFO|$GIT_SSL_CAPATH|$PATH|$*\"\n"
	if err := os.WriteFile(filepath.Join(own, "git"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", own+":/usr/bin:/bin")
	d = &daemon{root: filepath.Join(t.TempDir(), "it's")}
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		t.Fatal(err)
	}
	d.environ = d.environment(add)
	if err := d.writeGit(); err != nil {
		t.Fatal(err)
	}
	return d, own
}

func TestGitHasTheCABundle(t *testing.T) {
	d, own := gitOf(t, map[string]string{"SSL_CERT_FILE": "/etc/the site's.pem", "SSL_CERT_DIR": "/one:/two"})
	dir, rest, _ := strings.Cut(d.environ["PATH"], ":")
	if dir != d.gitFolder() || !strings.HasPrefix(rest, own+":") {
		t.Fatalf("PATH is %s", d.environ["PATH"])
	}
	cmd := exec.Command(filepath.Join(dir, "git"), "fetch", "two words")
	cmd.Env = []string{"PATH=" + d.environ["PATH"]}
	out, err := cmd.CombinedOutput()
	if want := "/etc/the site's.pem|/one|" + rest + "|fetch two words\n"; err != nil || string(out) != want {
		t.Errorf("git was given %q, want %q (%v)", out, want, err)
	}
}

func TestGitIsTheMachinesOwnWithoutCABundle(t *testing.T) {
	d, own := gitOf(t, map[string]string{"http_proxy": "http://proxy.example"})
	if !strings.HasPrefix(d.environ["PATH"], own+":") {
		t.Errorf("PATH is %s", d.environ["PATH"])
	}
	if _, err := os.Stat(d.gitFolder()); !os.IsNotExist(err) {
		t.Errorf("a git was written (%v)", err)
	}
}
