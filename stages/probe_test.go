package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

// TestProbeOfThisMachine runs the probe where the tests run.
func TestProbeOfThisMachine(t *testing.T) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Skip("not on Linux: there is no /etc/os-release to look at")
	}
	f := ParseFacts(probed(t))
	if f.Distribution == "" || !strings.Contains(string(release), "ID="+f.Distribution) {
		t.Errorf("distribution is %q in\n%s", f.Distribution, release)
	}
	if f.Python != "" && !regexp.MustCompile(`^3\.[0-9]+\.[0-9]+`).MatchString(f.Python) {
		t.Errorf("Python is %q", f.Python)
	}
	if f.Libc != "" && !regexp.MustCompile(`^2\.[0-9]+$`).MatchString(f.Libc) {
		t.Errorf("C library is %q", f.Libc)
	}
	if to, err := os.Readlink("/bin"); (err == nil) != (f.Links["/bin"] != "") || f.Links["/bin"] != to {
		t.Errorf("/bin leads to %q, want %q", f.Links["/bin"], to)
	}
}

func probed(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	g := llbtest.Read(t, llbtest.End{State: Probe("here", trixie().Root)})
	script := strings.ReplaceAll(g.Find("[base] look at here").GetExec().Meta.Args[3], llb.Run+"/out", dir)
	if out, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	answers, err := os.ReadFile(filepath.Join(dir, ProbeFile))
	if err != nil {
		t.Fatal(err)
	}
	return answers
}
