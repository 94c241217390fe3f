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

// fslPackages is a lock with what a profile promises.
func fslPackages(profile string) []string {
	packages := []string{"fsl-base-2602.1-py_0"}
	for _, p := range (&FSL{Profile: profile}).promised() {
		packages = append(packages, p.Package+"-2412.6-h0_1")
	}
	return packages
}

func newFSL(profile string) *FSL {
	return &FSL{Common: stage.Common{Name: "fsl", Stage: "fsl", Version: "6.0.7.18", Prefix: "/opt/fsl"},
		Profile: profile, Lock: someLock(fslPackages(profile)...), AcceptLicence: true}
}

func fslCases() []stageCase {
	return []stageCase{
		{"minimal", stagetest.Trixie, func() stage.Tool { return newFSL("minimal") }},
		{"full", stagetest.Focal, func() stage.Tool {
			return testkit.With(newFSL("full"), func(f *FSL) {
				f.Prefix = "/home/jovyan/fsl"
				f.Prune, f.Keep = []stage.Pattern{"doc", "data/standard/*"}, []stage.Pattern{"data/standard/MNI152_T1_[12]mm*"}
			})
		}},
	}
}

// TestFSLOfThisRepository: the lock here has all that the minimal profile
// promises.
func TestFSLOfThisRepository(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fsl-6.0.7-minimal", "fsl-6.0.7-minimal-ants-2.6.0"} {
		path := "../locks/" + name + ".conda.tsv"
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := stagetest.Stage(t, testkit.With(newFSL("minimal"), func(f *FSL) { f.Lock = stage.File{Path: path, Content: content} }), stagetest.Trixie())
		g := llbtest.Read(t, llbtest.End{State: *s.Layer})
		fetched := 0
		for _, op := range g.Ops {
			if op.GetSource() != nil && strings.HasPrefix(op.GetSource().Identifier, "https://") {
				fetched++
			}
		}
		if fetched != len(s.Inputs) || fetched < 80 {
			t.Errorf("%d packages are fetched, the lock has %d", fetched, len(s.Inputs))
		}
	}
}

func TestFSLEnvironment(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, newFSL("minimal"), stagetest.Trixie())
	for _, want := range []string{"FSLDIR=/opt/fsl", "FSLOUTPUTTYPE=NIFTI_GZ", "FSLMULTIFILEQUIT=TRUE", "FSLTCLSH=/opt/fsl/bin/fsltclsh", "FSLWISH=/opt/fsl/bin/fslwish"} {
		if !slices.Contains(s.Env, want) {
			t.Errorf("%s is not set: %q", want, s.Env)
		}
	}
	if slices.ContainsFunc(s.Env, func(e string) bool { return strings.HasPrefix(e, "LD_") }) {
		t.Errorf("the environment names libraries: %q", s.Env)
	}
	if !slices.Equal(s.Path, []string{"/opt/fsl/share/fsl/bin"}) {
		t.Errorf("path is %q, want the wrappers alone", s.Path)
	}
	if !s.Licence.NonCommercial {
		t.Errorf("the licence %+v is not said to be non-commercial", s.Licence)
	}
}

func TestFSLErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*FSL)
		want   []string
	}{
		{"licence", func(f *FSL) { f.AcceptLicence = false }, []string{"FSL's licence", "non-commercial use only", "hint: ", "accept_licence = true"}},
		{"no lock", func(f *FSL) { f.Lock = stage.File{} }, []string{"the component has no lock"}},
		{"lock without eddy", func(f *FSL) {
			f.Lock = someLock(slices.DeleteFunc(fslPackages("minimal"), func(p string) bool { return strings.HasPrefix(p, "fsl-eddy") })...)
		}, []string{"locks/some.conda.tsv has no package fsl-eddy, which the profile minimal requires", "hint: "}},
		{"minimal lock for full", func(f *FSL) { f.Profile = "full" }, []string{"no package fsl-data_standard, which the profile full requires"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, testkit.With(newFSL("minimal"), tt.change), stagetest.Trixie(), tt.want...)
		})
	}
	testkit.WantText(t, (&FSL{Profile: "tiny"}).Check(), `no profile "tiny"`, "hint: the profiles are minimal and full")
}

// TestFSLScript runs the end of the install step on environments that have
// eddy under different names.
func TestFSLScript(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		have []string
		want []string
	}{
		{"one", []string{"bin/eddy_cpu", "share/fsl/bin/eddy_cpu"},
			[]string{"bin/eddy", "bin/eddy_cpu", "bin/eddy_openmp", "share/fsl/bin/eddy", "share/fsl/bin/eddy_cpu", "share/fsl/bin/eddy_openmp"}},
		{"one without a wrapper", []string{"bin/eddy", "share/fsl/bin/bet"}, []string{"bin/eddy", "bin/eddy_cpu", "bin/eddy_openmp", "share/fsl/bin/bet"}},
		{"two", []string{"bin/eddy", "bin/eddy_cpu", "share/fsl/bin/eddy"}, []string{"bin/eddy", "bin/eddy_cpu", "share/fsl/bin/eddy"}},
		{"none", []string{"bin/bet"}, []string{"bin/bet"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range tt.have {
				mustWrite(t, filepath.Join(dir, f))
			}
			cmd := exec.Command("/bin/sh", "-euc", newFSL("minimal").script())
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if got := filesOf(t, dir); !slices.Equal(got, sorted("etc/fslversion", tt.want...)) {
				t.Errorf("there are %q, want %q and etc/fslversion", got, tt.want)
			}
		})
	}
}

func sorted(first string, more ...string) []string {
	return slices.Sorted(slices.Values(append([]string{first}, more...)))
}

func mustWrite(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// filesOf is what lies below dir and leads somewhere, sorted.
func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		out = append(out, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
