package assemble

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

// TestQuestions has the answers of real tools.
func TestQuestions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		tool       stage.Tool
		says, want string // want is asked for
		version    string // "" when it must fail
	}{
		{"release of MRtrix3", newMRtrix3("3.0.4"), "== mrinfo 3.0.4 ==\n64 bit release version, built Jan  1 2024, using Eigen 3.4.0\n", "3.0.4", "3.0.4"},
		{"commit of MRtrix3", newMRtrix3("3.0.4"), "== mrinfo 3.0.4-92-gbeb36a73 ==\n", "", "3.0.4-92-gbeb36a73"},
		{"name with a digit", newMRtrix3("3.0.8"), "== dwi2fod 3.0.8 ==\n64 bit\n", "3.0.8", "3.0.8"},
		{"another MRtrix3", newMRtrix3("3.0.4"), "== mrinfo 3.0.8 ==\n", "3.0.4", ""},
		{"MRtrix3 3.0.40 is not 3.0.4", newMRtrix3("3.0.4"), "== mrinfo 3.0.40 ==\n", "3.0.4", ""},
		{"MRtrix3 that does not start", newMRtrix3("3.0.4"), "mrinfo: error while loading shared libraries: libtiff.so.5\n", "3.0.4", ""},
		{"Debian's ANTs", quickANTs(), "ANTs Version: 2.5.4.\nCompiled: Jan  1 2025 00:00:00\n", "2.5.4", "2.5.4"},
		{"ANTs with its commit", zipANTs(), "ANTs Version: v2.5.4.dev3-g1b7eaf1\nCompiled: Oct\n", "2.5.4", "2.5.4"},
		{"ANTs of a release", zipANTs(), "ANTs Version: 2.5.4\n", "2.5.4", "2.5.4"},
		{"ANTs after a warning", zipANTs(), "a warning\nANTs Version: 2.5.4\n", "", "2.5.4"},
		{"another ANTs", zipANTs(), "ANTs Version: 2.4.4\n", "2.5.4", ""},
		{"ANTs that does not start", zipANTs(), "Illegal instruction\n", "2.5.4", ""},
		{"Python", newPython(), "3.13.5\n", "3.13", "3.13.5"},
		{"another Python", newPython(), "3.11.2\n", "3.13", ""},
		{"Python 3.130 is not 3.13", newPython(), "3.130.0\n", "3.13", ""},
		{"silent Python", newPython(), "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, stderr, err := stagetest.Answer(t, stagetest.Question(t, tt.tool, tt.want), tt.says)
			if got != tt.version || (err != nil) != (tt.version == "") {
				t.Errorf("version is %q, want %q (%v)\n%s", got, tt.version, err, stderr)
			}
		})
	}
}

func TestQuestionsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, stderr, _ := stagetest.Answer(t, stagetest.Question(t, zipANTs(), "2.5.4"), "ANTs Version: 2.4.4\n")
	if !strings.Contains(stderr, "answers version 2.4.4, components.toml has 2.5.4") {
		t.Errorf("says %q", stderr)
	}
	_, stderr, _ = stagetest.Answer(t, stagetest.Question(t, zipANTs(), "2.5.4"), "Illegal instruction\n")
	if !strings.Contains(stderr, "Illegal instruction\nfailed: ANTS_VERSION: does not answer with a version") {
		t.Errorf("says %q", stderr)
	}
}

func TestFailingSmokeTestShowsItsEnd(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("/bin/sh", "-euc", stage.Prepare("/nowhere", "/dev/null", filepath.Join(t.TempDir(), "said"))+stage.TestScript+stage.Check{Command: "echo broken; exit 3"}.Call(1)).CombinedOutput()
	if err == nil || string(out) != "broken\nfailed: 1: exit code 3\n" {
		t.Errorf("%v: %q", err, out)
	}
}

// TestManifestText runs the manifest's script on answers, with its folders in
// a temporary one.
func TestManifestText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := Manifest{Service: "1.3.0", Base: "jupyter:2.0.9", Generated: "2024-05-01"}
	testkit.Write(t, filepath.Join(dir, "in/head/head"), m.head())
	testkit.Write(t, filepath.Join(dir, "in/000/medical-imaging-software"), "MRTRIX3_VERSION=3.0.4\n")
	testkit.Write(t, filepath.Join(dir, "in/001/medical-imaging-software"), "ANTS_VERSION=2.5.4\n")
	testkit.Write(t, filepath.Join(dir, "in/002/python-packages"), "PYTHON_VERSION=3.13.5\nNUMPY_VERSION=2.1.0\n")
	want := `# Medical Image Processing Service Version Manifest
# Generated: 2024-05-01

SERVICE_VERSION=1.3.0
BASE_IMAGE=jupyter:2.0.9

# Medical Imaging Software
MRTRIX3_VERSION=3.0.4
ANTS_VERSION=2.5.4

# Python Packages
PYTHON_VERSION=3.13.5
NUMPY_VERSION=2.1.0
`
	if got := manifestText(t, m, dir); got != want {
		t.Errorf("manifest:\n%s\nwant:\n%s", got, want)
	}
}

func TestManifestLeavesOutWhatIsNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := Manifest{Service: "1.3.0", Base: "jupyter:2.0.9"}
	testkit.Write(t, filepath.Join(dir, "in/head/head"), m.head())
	testkit.Write(t, filepath.Join(dir, "in/000/python-packages"), "PYTHON_VERSION=3.13.5\n")
	got := manifestText(t, m, dir)
	if strings.Contains(got, "Generated") || strings.Contains(got, "Imaging Software\n") {
		t.Errorf("manifest:\n%s", got)
	}
}

func manifestText(t *testing.T, m Manifest, dir string) string {
	t.Helper()
	on := llb.Image("base@sha256:" + testkit.SHA256)
	answers := []llb.State{llb.File("a", nil), llb.File("b", nil), llb.File("c", nil)}
	g := llbtest.Read(t, llbtest.End{State: m.layer(on, answers)})
	script := g.Find("[manifest] write").GetExec().Meta.Args[3]
	script = strings.ReplaceAll(script, llb.Run+"/", dir+"/")
	script = strings.ReplaceAll(script, "/tmp/s", dir+"/section")
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "out", ManifestPath))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestManifestKeepsTheOrderOfComponents(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{State: assembled(t, targetCases()["production"]()).State})
	step := g.Find("[manifest] write")
	var got []string
	for _, m := range step.GetExec().Mounts {
		if strings.HasPrefix(m.Dest, llb.Run+"/in/0") {
			got = append(got, step.From[m.Input])
		}
	}
	var want []string
	for _, c := range []string{"mrtrix3", "ants", "python"} {
		want = append(want, "["+c+"] test:"+answersFolder)
	}
	if !slices.Equal(got, want) {
		t.Errorf("answers come from %q, want %q", got, want)
	}
}

// Another release is told as that, not by a test that fails because of it.
func TestVersionIsAskedBeforeTests(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, zipANTs(), stagetest.Trixie())
	answers, _ := tested(s, stagetest.Trixie(), stagetest.Trixie().Root, nil)
	script := llbtest.Read(t, llbtest.End{State: answers}).Find("[" + s.Name + "] test").GetExec().Meta.Args[3]
	asked, tested := strings.LastIndex(script, "\nask "), strings.Index(script, "\ncheck 1 '")
	if asked < 0 || tested < asked {
		t.Errorf("asked at %d, tested at %d:\n%s", asked, tested, script)
	}
}

// TestBaseInTheManifestHasADigest: of a base that is a file or a tag, too.
func TestBaseInTheManifestHasADigest(t *testing.T) {
	t.Parallel()
	const digest = "sha256:" + testkit.SHA256
	for reference, want := range map[string]string{
		"trixie.tar":                      "trixie.tar@" + digest,
		"registry.example/base:1":         "registry.example/base:1@" + digest,
		"registry.example/base@" + digest: "registry.example/base@" + digest,
	} {
		base := stagetest.Trixie()
		base.Digest = digest
		img, err := Target{Name: "x", Run: base, Manifest: Manifest{Service: "1", Base: reference}}.Assemble()
		if err != nil {
			t.Fatal(err)
		}
		g := llbtest.Read(t, llbtest.End{State: img.State})
		if text := fmt.Sprint(g); !strings.Contains(text, "BASE_IMAGE="+want+"\\n") && !strings.Contains(text, "BASE_IMAGE="+want+"\n") {
			t.Errorf("no BASE_IMAGE=%s", want)
		}
	}
}
