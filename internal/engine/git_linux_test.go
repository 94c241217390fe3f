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
func gitOf(t *testing.T, add map[string]string, mirrors ...Mirror) (d *daemon, own string) {
	t.Helper()
	own = t.TempDir()
	script := "#!/bin/sh\necho \"$GIT_SSL_CAINFO|$GIT_SSL_CAPATH|$PATH|$GIT_CONFIG_GLOBAL|$*\"\n"
	if err := os.WriteFile(filepath.Join(own, "git"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", own+":/usr/bin:/bin")
	d = &daemon{root: filepath.Join(t.TempDir(), "it's"), mirrors: gitMirrors(mirrors)}
	if err := os.MkdirAll(d.root, 0o700); err != nil {
		t.Fatal(err)
	}
	d.environ = d.environment(add)
	if err := d.writeGit(); err != nil {
		t.Fatal(err)
	}
	return d, own
}

// ran is what the machine's git was given by ours.
func ran(t *testing.T, d *daemon, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(d.gitFolder(), "git"), args...)
	cmd.Env = []string{"PATH=" + d.environ["PATH"]}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestGitHasTheCABundle(t *testing.T) {
	d, own := gitOf(t, map[string]string{"SSL_CERT_FILE": "/etc/the site's.pem", "SSL_CERT_DIR": "/one:/two"})
	dir, rest, _ := strings.Cut(d.environ["PATH"], ":")
	if dir != d.gitFolder() || !strings.HasPrefix(rest, own+":") {
		t.Fatalf("PATH is %s", d.environ["PATH"])
	}
	if got, want := ran(t, d, "fetch", "two words"), "/etc/the site's.pem|/one|"+rest+"||fetch two words\n"; got != want {
		t.Errorf("git was given %q, want %q", got, want)
	}
}

// Only submodules have the mirrors, and their login is for the repository's host.
func TestGitOfSubmodules(t *testing.T) {
	d, own := gitOf(t, nil, Mirror{From: "https://github.com", To: "http://mirror.example/gh"})
	rest := own + ":/usr/bin:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	const header = "http.https://host.example:8443/lab/x.git.extraheader=Authorization: Basic a/b.c="
	for _, tt := range []struct{ args, want string }{
		{"-c|" + header + "|fetch|origin", "||" + rest + "||-c " + header + " fetch origin\n"},
		{"-c|" + header + "|submodule|update", "||" + rest + "|" + d.gitFolder() + "/mirrors|-c " +
			"http.https://host.example:8443/.extraheader=Authorization: Basic a/b.c= submodule update\n"},
	} {
		if got := ran(t, d, strings.Split(tt.args, "|")...); got != tt.want {
			t.Errorf("git was given\n%q, want\n%q", got, tt.want)
		}
	}
}

// Git itself takes the addresses for what the mirrors' beginnings say.
func TestGitMirrors(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	file := filepath.Join(t.TempDir(), "config")
	text := gitMirrors([]Mirror{
		{"https://github.com", "http://mirror.example/gh/"}, {"https://github.com/MRtrix3/", "http://other.example/m"},
		{"git@github.com:", "http://mirror.example/ssh"}, {"https://github.com/lab/one.git", "http://mirror.example/with \"quotes\".git"},
	})
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"https://github.com/lab/x.git":      "http://mirror.example/gh/lab/x.git",
		"https://github.com/MRtrix3/x.git":  "http://other.example/m/x.git",
		"https://github.com/MRtrix3-data/x": "http://mirror.example/gh/MRtrix3-data/x",
		"https://github.community/x":        "https://github.community/x",
		"git@github.com:lab/x.git":          "http://mirror.example/ssh/lab/x.git",
		"https://github.com/lab/one.git":    "http://mirror.example/with \"quotes\".git",
	} {
		cmd := exec.Command("git", "ls-remote", "--get-url", address)
		cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "GIT_CONFIG_GLOBAL="+file, "GIT_CONFIG_NOSYSTEM=1")
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", address, got, want, err)
		}
	}
}

// Where there is no git, BuildKit says so in its own words.
func TestNoGit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	d := &daemon{root: t.TempDir()}
	d.environ = map[string]string{"PATH": os.Getenv("PATH")}
	if got := d.withGit(d.environ)["PATH"]; got != os.Getenv("PATH") {
		t.Errorf("PATH is %s", got)
	}
	if err := d.writeGit(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.gitFolder()); !os.IsNotExist(err) {
		t.Errorf("a git was written (%v)", err)
	}
}
