package faults

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

func gitTable(address, commit string) string {
	return fmt.Sprintf("version = \"3.0.4\"\ncommands = [\"mrinfo\"]\nsource = { git = %q, commit = %q }\n", address, commit)
}

// A component from a git repository by commit; a commit that is not there and a
// repository that is not there.
func TestGitSource(t *testing.T) {
	kit.SharedEngine(t)
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed (make tools does it)")
	}
	s := kit.Site(t)
	repo := t.TempDir()
	for name, text := range standins.MRtrix3Files(kit.Own(t, standins.GoodConfigure)) {
		path := filepath.Join(repo, strings.TrimPrefix(name, "mrtrix3-3.0.4/"))
		kit.WriteFile(t, path, text)
		kit.NoError(t, os.Chmod(path, 0o755))
	}
	address, commit, err := s.Repository("/MRtrix3/mrtrix3.git", repo)
	kit.NoError(t, err)
	kit.Built(t, kit.Project(t, kit.Components("mrtrix3", gitTable(address, commit)))).OK(t)
	absent := strings.Repeat("ab", 20)
	kit.Built(t, kit.Project(t, kit.Components("mrtrix3", gitTable(address, absent)))).
		Failed(t, 1, "components.toml:11:1: mrtrix3: fetch "+address, "no such commit", "\nhint: ")
	refused := kit.Must(upstream.Refused("/MRtrix3/mrtrix3.git"))(t)
	// A commit that was fetched before needs no server.
	kit.Built(t, kit.Project(t, kit.Components("mrtrix3", gitTable(refused, commit)))).OK(t)
	kit.Built(t, kit.Project(t, kit.Components("mrtrix3", gitTable(refused, absent)))).
		Failed(t, 75, "components.toml:11:1: mrtrix3: fetch "+refused, "\nhint: ")
}

// The certificate authority of a site's proxy is in the site's CA bundle alone:
// with it a repository is fetched, without it the error says what to do.
func TestGitTrustsTheSitesBundle(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	address, ca, end := s.Secure()
	t.Cleanup(end)
	dir, _ := repositoryProject(t, s)
	path := filepath.Join(dir, "components.toml")
	kit.WriteFile(t, path, strings.Replace(kit.ReadFile(t, path), addressOf(s), address, 1))
	kit.Built(t, dir).Failed(t, 1, "components.toml:14:1: scripts: fetch "+address, "certificate", "\nhint: name the CA bundle")
	bundle := filepath.Join(t.TempDir(), "the site's.pem")
	kit.WriteFile(t, bundle, string(ca))
	t.Setenv("SSL_CERT_FILE", bundle)
	kit.Built(t, dir).OK(t)
}

// Submodules that a source asks for come from the mirror of where the repository
// says they are, with the login for that host.
func TestSubmodulesComeFromMirrors(t *testing.T) {
	kit.SharedEngine(t)
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed (make tools does it)")
	}
	s := kit.Site(t)
	data, scripts := t.TempDir(), t.TempDir()
	kit.WriteFile(t, filepath.Join(data, "version"), kit.Own(t, "echo data 3.0\n"))
	_, commit, err := s.Repository("/lab/data.git", data)
	kit.NoError(t, err)
	kit.NoError(t, upstream.Link(scripts, "data", "https://github.example/lab/data.git", commit))
	kit.WriteFile(t, filepath.Join(scripts, "bin/script"), "#!/bin/sh\n. /opt/scripts/data/version\n")
	_, commit, err = s.Repository(scriptsPath, scripts)
	kit.NoError(t, err)
	gh := guarded(t, "reader", readerPassword, http.StripPrefix("/gh", s))
	logins(t, "registry.example")
	dir := kit.Project(t, kit.Components("scripts", fmt.Sprintf("stage = \"archive\"\nversion = \"3.0\"\nprefix = \"/opt/scripts\"\nlicence = \"MIT\"\n"+
		"version_command = \"sh /opt/scripts/bin/script\"\nsource = { git = \"https://github.example%s\", commit = %q, submodules = true }\n", scriptsPath, commit)))
	kit.Built(t, dir, "--mirror", "https://github.example="+gh.URL+"/gh").OK(t)
}

// A server that gives nothing but the tips of branches is asked for the history.
func TestServerThatGivesTipsAlone(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	dir, repository := repositoryProject(t, s)
	kit.WriteFile(t, filepath.Join(repository, "bin/script"), "#!/bin/sh\necho script 3.0\n")
	_, _, err := s.Repository(scriptsPath, repository) // on top of what is pinned
	kit.NoError(t, err)
	var asked atomic.Int32
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Git-Protocol") // of version 2, which gives any commit
		if strings.HasSuffix(r.URL.Path, "info/refs") {
			asked.Add(1)
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(old.Close)
	kit.NoError(t, exec.Command("git", "-C", repository, "config", "uploadpack.allowAnySHA1InWant", "false").Run())
	path := filepath.Join(dir, "components.toml")
	kit.WriteFile(t, path, strings.Replace(kit.ReadFile(t, path), addressOf(s), old.URL, 1))
	kit.Built(t, dir).OK(t)
	t.Logf("asked %d times", asked.Load())
	refused := asked.Swap(0)
	kit.NoError(t, exec.Command("git", "-C", repository, "config", "uploadpack.allowAnySHA1InWant", "true").Run())
	fresh, _ := repositoryProject(t, s)
	path = filepath.Join(fresh, "components.toml")
	kit.WriteFile(t, path, strings.Replace(kit.ReadFile(t, path), addressOf(s), old.URL, 1))
	kit.Built(t, fresh).OK(t)
	if n := asked.Load(); n == 0 || n >= refused {
		t.Errorf("asked %d times for a commit that is given, %d times for one that is not", n, refused)
	}
}
