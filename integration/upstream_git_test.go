package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/upstream"
)

func gitTable(address, commit string) string {
	return fmt.Sprintf("version = \"3.0.4\"\ncommands = [\"mrinfo\"]\nsource = { git = %q, commit = %q }\n", address, commit)
}

// A component from a git repository by commit; a commit that is not there and a
// repository that is not there.
func TestGitSource(t *testing.T) {
	sharedEngine(t)
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed (make tools does it)")
	}
	s := site(t)
	repo := t.TempDir()
	for name, text := range mrtrix3Files(own(t, goodConfigure)) {
		path := filepath.Join(repo, strings.TrimPrefix(name, "mrtrix3-3.0.4/"))
		writeFile(t, path, text)
		noError(t, os.Chmod(path, 0o755))
	}
	address, commit, err := s.Repository("/MRtrix3/mrtrix3.git", repo)
	noError(t, err)
	built(t, project(t, components("mrtrix3", gitTable(address, commit)))).ok(t)
	absent := strings.Repeat("ab", 20)
	built(t, project(t, components("mrtrix3", gitTable(address, absent)))).
		failed(t, 1, "components.toml:11:1: mrtrix3: fetch "+address, "no such commit", "\nhint: ")
	refused := must(upstream.Refused("/MRtrix3/mrtrix3.git"))(t)
	// A commit that was fetched before needs no server.
	built(t, project(t, components("mrtrix3", gitTable(refused, commit)))).ok(t)
	built(t, project(t, components("mrtrix3", gitTable(refused, absent)))).
		failed(t, 1, "components.toml:11:1: mrtrix3: fetch "+refused, "\nhint: ")
}
