package upstream

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Repository serves the folder dir as a git repository with one commit, at
// path, over git's smart HTTP protocol. It returns its address and the commit.
func (s *Site) Repository(path, dir string) (address, commit string, err error) {
	for _, args := range [][]string{
		{"init", "-q", "-b", "master"}, {"add", "-A"},
		{"-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "release"},
		{"config", "uploadpack.allowAnySHA1InWant", "true"},
	} {
		if _, err := git(dir, args...); err != nil {
			return "", "", err
		}
	}
	commit, err = git(dir, "rev-parse", "HEAD")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[path] = filepath.Join(dir, ".git")
	s.files[path] = &file{}
	return s.server.URL + path, commit, err
}

// MoveTag makes the tag of the repository in dir name a commit with the files as
// they are now, and forgets the commit that it named before, as upstreams do
// that publish a release again.
func MoveTag(dir, tag string) (commit string, err error) {
	for _, args := range [][]string{
		{"add", "-A"},
		{"-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "--amend", "-m", "release again"},
		{"tag", "--force", tag}, {"reflog", "expire", "--expire=now", "--all"}, {"gc", "-q", "--prune=now"},
	} {
		if _, err := git(dir, args...); err != nil {
			return "", err
		}
	}
	return git(dir, "rev-parse", "HEAD")
}

func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// serveGit hands requests for a repository to git's own server.
func serveGit(w http.ResponseWriter, r *http.Request, root, dir string) {
	h := &cgi.Handler{
		Path: "/usr/bin/env", Args: []string{"git", "http-backend"}, Root: root,
		// The repository may belong to another user than the one who runs the test.
		Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "HOME=/nonexistent",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	h.ServeHTTP(w, r)
}

func (s *Site) repository(path string) (root, dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for root, dir := range s.repos {
		if strings.HasPrefix(path, root+"/") {
			return root, dir
		}
	}
	return "", ""
}

// Link makes a folder a repository with a submodule at name, which is a commit of
// the repository at address.
func Link(dir, name, address, commit string) error {
	if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "master"},
		{"config", "--file", ".gitmodules", "submodule." + name + ".path", name},
		{"config", "--file", ".gitmodules", "submodule." + name + ".url", address},
		{"update-index", "--add", "--cacheinfo", "160000," + commit + "," + name},
	} {
		if _, err := git(dir, args...); err != nil {
			return err
		}
	}
	return nil
}
