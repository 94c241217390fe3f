package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func newSCT(version string) *SCT {
	return &SCT{Common: stage.Common{Name: "sct", Stage: "sct", Version: version, Prefix: "/opt/medimproc/sct"}, Data: true, Binaries: true,
		Miniforge: stage.Source{URL: sctMiniforge, SHA256: testkit.SHA256}}
}

func sctCases() []stageCase {
	return []stageCase{
		{"release", stagetest.Focal, func() stage.Tool {
			return testkit.With(newSCT("7.2"), func(s *SCT) { s.Owner = "1000:100" })
		}},
		{"archive", stagetest.Trixie, func() stage.Tool {
			return testkit.With(newSCT("7.1"), func(s *SCT) {
				s.Source = stage.Source{URL: "https://files.example/sct-7.1.tar.gz", SHA256: testkit.SHA256}
				s.Data, s.Binaries = false, false
			})
		}},
	}
}

func TestSCTErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*SCT)
		want   []string
	}{
		{"owner", func(s *SCT) { s.Owner = "jovyan:users" }, []string{`owner "jovyan:users"`, "hint:"}},
		{"long prefix", func(s *SCT) { s.Prefix = "/opt/" + strings.Repeat("x", 103) }, []string{"has 108 characters", "hint: choose a shorter prefix"}},
		{"unknown version", func(s *SCT) { s.Version = "6.5" }, []string{"no commit is known for sct 6.5", "hint: add its source"}},
		{"miniforge by git", func(s *SCT) { s.Miniforge = stage.Source{Git: "https://git.example/miniforge.git"} }, []string{"hint: give its url"}},
		{"no miniforge", func(s *SCT) { s.Miniforge = stage.Source{} }, []string{"miniforge: source " + sctMiniforge + " is not pinned", "hint:"}},
		{"loose miniforge", func(s *SCT) { s.Miniforge = stage.Source{URL: "https://files.example/m.sh"} }, []string{"miniforge: ", "is not pinned"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, testkit.With(newSCT("7.2"), tt.change), stagetest.Trixie(), tt.want...)
		})
	}
}

// TestSCTReleaseIsACommit: upstream has moved its tags.
func TestSCTReleaseIsACommit(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, newSCT("7.2"), stagetest.Trixie())
	if len(s.Inputs) != 2 || s.Inputs[0].Pin != "dcd638fe7b83dc318a2f895709c3649c3e7c7aa6" {
		t.Errorf("inputs are %+v", s.Inputs)
	}
}

func TestSCTOwner(t *testing.T) {
	t.Parallel()
	script := func(s *SCT) string {
		g := llbtest.Read(t, llbtest.End{State: *stagetest.Stage(t, s, stagetest.Trixie()).Layer})
		return g.Find("[sct] install packages").GetExec().Meta.Args[3]
	}
	if strings.Contains(script(newSCT("7.2")), "chown") {
		t.Error("the owner changes without a setting")
	}
	owned := script(testkit.With(newSCT("7.2"), func(s *SCT) { s.Owner = "1000:100" }))
	if i := strings.Index(owned, "chown -hR 1000:100 /opt/medimproc/sct"); i < strings.Index(owned, "compileall") {
		t.Errorf("the owner is not set last:\n%s", owned)
	}
}

// runSCT runs the installation of s with an installer that leaves what it was
// told: its own text, and pip's constraints.
func runSCT(t *testing.T, s *SCT, installer string) (folder, output string, err error) {
	t.Helper()
	root := t.TempDir()
	s.Prefix = filepath.Join(root, "to")
	testkit.Write(t, filepath.Join(root, "src/install_sct"), installer)
	testkit.Write(t, filepath.Join(root, "to/x"), "")
	script := strings.NewReplacer("/run/medbuild", root, "/tmp/sct", root+"/sct").Replace(s.script())
	cmd := exec.Command("/bin/sh", "-euc", script)
	cmd.Env = append(os.Environ(), "PIP_CONSTRAINT=")
	out, err := cmd.CombinedOutput()
	return s.Prefix, string(out), err
}

const sctInstaller = `mkdir -p bin python/envs/venv_sct/bin
touch bin/sct_version python/envs/venv_sct/bin/python; chmod +x bin/* python/envs/venv_sct/bin/*
if [ -n "$PIP_CONSTRAINT" ]; then cp "$PIP_CONSTRAINT" constraints; else : >constraints; fi
touch install_sct_log.txt
touch models # install_default_models()
`

// TestSCTWithoutData: the installer fetches the models whatever its options say,
// so that the line goes; what stays in the image is the installer as it was.
func TestSCTWithoutData(t *testing.T) {
	t.Parallel()
	for _, data := range []bool{true, false} {
		to, out, err := runSCT(t, testkit.With(newSCT("7.2"), func(s *SCT) { s.Data = data }), sctInstaller)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		files := testkit.FilesBelow(t, to)
		if slices.Contains(files, "models") != data {
			t.Errorf("data = %v: files are %q", data, files)
		}
		if left, err := os.ReadFile(filepath.Join(to, "install_sct")); err != nil || string(left) != sctInstaller {
			t.Errorf("data = %v: the installer in the image is %q, %v", data, left, err)
		}
	}
}

// TestSCTTakesTheCPUsTorch: pip is held to the CPU build, and where no index has
// it the error says so.
func TestSCTTakesTheCPUsTorch(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"7.2": "torch==2.2.2+cpu\n", "6.5": ""} {
		to, out, err := runSCT(t, newSCT(version), sctInstaller)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got, err := os.ReadFile(filepath.Join(to, "constraints")); err != nil || string(got) != want {
			t.Errorf("%s: constraints are %q, %v", version, got, err)
		}
	}
	_, out, err := runSCT(t, newSCT("7.3"), "echo 'ERROR: No matching distribution found for torch==2.2.2+cpu' >install_sct_log.txt; exit 1")
	if err == nil || !strings.Contains(out, "no index of this site has torch 2.2.2+cpu") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestSCTTestsWhatIsInstalled: none of the checks ends before it has looked at
// anything, and none wants what is left out.
func TestSCTTestsWhatIsInstalled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		data, binaries bool
		want           []string
	}{
		{true, true, []string{"get_dependencies()", "sct_check_dependencies", "default_datasets()"}},
		{false, true, []string{"get_dependencies()", "sct_check_dependencies"}},
		{true, false, []string{"get_dependencies()", "default_datasets()"}},
		{false, false, []string{"get_dependencies()"}},
	} {
		checks := testkit.With(newSCT("7.2"), func(s *SCT) { s.Data, s.Binaries = tt.data, tt.binaries }).checks()
		if len(checks) != len(tt.want) {
			t.Fatalf("data %v, binaries %v: checks are %q", tt.data, tt.binaries, checks)
		}
		for i, c := range checks {
			if !strings.Contains(c.Command, tt.want[i]) || strings.Contains(c.Command, "-short") {
				t.Errorf("check %d is %q, want one with %q", i+1, c.Command, tt.want[i])
			}
		}
	}
}
