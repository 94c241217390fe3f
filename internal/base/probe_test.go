package base

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

// TestProbeOfThisMachine runs the probe where the tests run.
func TestProbeOfThisMachine(t *testing.T) {
	t.Parallel()
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Skip("not on Linux: there is no /etc/os-release to look at")
	}
	f := ParseFacts(probeHere(t))
	if f.Distribution == "" || !strings.Contains(string(release), "ID="+f.Distribution) {
		t.Errorf("distribution is %q in\n%s", f.Distribution, release)
	}
	if f.Python != "" && !regexp.MustCompile(`^3\.[0-9]+\.[0-9]+`).MatchString(f.Python) {
		t.Errorf("Python is %q", f.Python)
	}
	if f.Libc != "" && !regexp.MustCompile(`^2\.[0-9]+$`).MatchString(f.Libc) {
		t.Errorf("C library is %q", f.Libc)
	}
	if len(f.Licences) != 1 || !strings.HasSuffix(f.Licences[0], "/deep/somebody's") {
		t.Errorf("licences are %q, want the one that was put there", f.Licences)
	}
	if to, err := os.Readlink("/bin"); (err == nil) != (f.Links["/bin"] != "") || f.Links["/bin"] != to {
		t.Errorf("/bin leads to %q, want %q", f.Links["/bin"], to)
	}
}

func probeHere(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	g := llbtest.Read(t, llbtest.End{State: Probe("here", stagetest.Trixie().Root)})
	base := t.TempDir() // in place of all this machine's files
	testkit.Write(t, filepath.Join(base, "deep/somebody's"), "someone@example.org\n12345\n *C1a2B3c4D5e6\n")
	testkit.Write(t, filepath.Join(base, "else"), "someone@example.org\n")
	script := strings.NewReplacer(llb.Run+"/out", dir, "licensed / ", "licensed "+base+" ").Replace(g.Find("[base] look at here").GetExec().Meta.Args[3])
	if out, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	answers, err := os.ReadFile(filepath.Join(dir, ProbeFile))
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

func TestParseFacts(t *testing.T) {
	t.Parallel()
	f := ParseFacts([]byte("distribution=debian\nrelease=13\nlibc=2.41\npython=\nmirror=http://mirror.example/debian\n" +
		"link=/bin usr/bin\nlink=/lib usr/lib\n"))
	want := stage.Facts{Distribution: "debian", Release: "13", Libc: "2.41", Mirror: "http://mirror.example/debian/"}
	if f.ID() != "debian-13" || f.Libc != want.Libc || f.Python != "" || f.Mirror != want.Mirror {
		t.Errorf("%+v, want %+v", f, want)
	}
	if !maps.Equal(f.Links, map[string]string{"/bin": "usr/bin", "/lib": "usr/lib"}) {
		t.Errorf("links are %v", f.Links)
	}
}

func TestParseFactsOfOddAnswers(t *testing.T) {
	t.Parallel()
	f := ParseFacts([]byte("\r\nnonsense\nrelease\n=x\nmirror=http://mirror.example/a/?x=y=z\ndistribution=debian\r\nunknown=1\nlink=/a"))
	if f.Distribution != "debian" || f.Release != "" || f.Mirror != "http://mirror.example/a/?x=y=z/" {
		t.Errorf("%+v", f)
	}
	if ParseFacts(nil).Mirror != "" {
		t.Error("a mirror of nothing")
	}
}

func TestGoldenProbe(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{Name: "facts", State: Probe("trixie", stagetest.Trixie().Root)})
	llbtest.Golden(t, "testdata", map[string]string{"probe": g.String()})
}

func TestProbeMarshalsTheSame(t *testing.T) {
	t.Parallel()
	llbtest.Stable(t, func() llb.State { return Probe("trixie", stagetest.Trixie().Root) })
}

func FuzzParseFacts(f *testing.F) {
	f.Add("distribution=debian\nrelease=13\nlink=/bin usr/bin\nmirror=http://x/")
	f.Add("link=\nmirror=\n=\n\x00")
	f.Fuzz(func(t *testing.T, answers string) {
		facts := ParseFacts([]byte(answers))
		if strings.ContainsAny(facts.Distribution+facts.Release+facts.Mirror, "\n") {
			t.Errorf("a fact of two lines in %+v", facts)
		}
		if facts.Mirror != "" && !strings.HasSuffix(facts.Mirror, "/") {
			t.Errorf("mirror %q has no slash at its end", facts.Mirror)
		}
		_ = facts.On("/opt/tool/deep")
		for from := range facts.Links {
			if strings.HasPrefix(from, "/") && from != "/" && from == cleaned(from) && facts.On(from+"/tool") == nil {
				t.Errorf("prefix below link %q is taken", from)
			}
		}
	})
}

func cleaned(p string) string { return path.Clean(p) }
