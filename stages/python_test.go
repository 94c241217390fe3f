package stages

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

const someHash = "--hash=sha256:1111111111111111111111111111111111111111111111111111111111111111"

// TestPackagesArePinned: each package asked for has a line of its own.
func TestPackagesArePinned(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]string{
		"scipy==1 " + someHash:     {"package numpy is not pinned in requirements.txt", "hint: write numpy==<version>"},
		"numpy>=2 " + someHash:     {"package numpy is not pinned"},
		"NumPy==2.1.0 " + someHash: nil,
	} {
		p := newPython("numpy")
		p.Requirements.Content = []byte(content)
		_, err := p.read()
		if want == nil && err != nil {
			t.Error(err)
		}
		if want != nil {
			testkit.WantText(t, err, want...)
		}
	}
}

// TestWheelsAreInputs: what the requirements name by address is fetched by the
// engine, and uv finds it under its own name.
func TestWheelsAreInputs(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, wheelTorch(), stagetest.Trixie())
	want := llb.Input{Name: "torch", Version: "2.5.1+cpu", Kind: llb.Archive, Pin: "sha256:" + testkit.SHA256,
		Address: "https://wheels.example/whl/cpu/torch-2.5.1%2Bcpu-cp312-cp312-linux_x86_64.whl",
		At:      problem.Position{File: "requirements.txt", Line: 2, Col: 1}}
	if !slices.Equal(s.Inputs, []llb.Input{want}) {
		t.Errorf("inputs %+v", s.Inputs)
	}
	g := llbtest.Read(t, llbtest.End{State: *s.Layer})
	step := g.Find("[python] install packages")
	const file = "/tmp/wheels/torch-2.5.1+cpu-cp312-cp312-linux_x86_64.whl"
	if mountAt(step, stage.WheelMount(0)) == nil || !strings.Contains(step.GetExec().Meta.Args[3], "ln -s "+stage.WheelMount(0)+"/* '"+file+"'\n") {
		t.Errorf("the step does not have the wheel: %s", step.GetExec().Meta.Args[3])
	}
	text := string(g.Find("write requirements.txt").GetFile().Actions[0].GetMkfile().Data)
	if !strings.Contains(text, "torch @ file://"+file+" ; sys_platform") || strings.Contains(text, "https://") {
		t.Errorf("requirements are\n%s", text)
	}
}

// TestUnpinnedRequirements: what has no hash is refused, all of it at once, and
// taken beside what has one where that is allowed.
func TestUnpinnedRequirements(t *testing.T) {
	t.Parallel()
	const text = "numpy==2.1.0 \\\n    " + someHash + "\nscipy==1.0\n" +
		"torch @ https://wheels.example/torch-2.5.1%2Bcpu-cp39-cp39-linux_x86_64.whl ; sys_platform == 'linux'\n"
	p := testkit.With(newPython("scipy", "torch"), func(p *Python) { p.Requirements.Content = []byte(text) })
	wantError(t, p, stagetest.Trixie(), "requirements.txt:4: https://wheels.example/torch-2.5.1%2Bcpu-cp39-cp39-linux_x86_64.whl is not pinned",
		"hint: add --hash=sha256:", "requirements.txt:3: scipy==1.0 is not pinned", "--allow-unpinned")

	s, err := p.Stage(stage.Ground{Build: stagetest.Trixie(), Run: stagetest.Trixie(), AllowUnpinned: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Inputs) != 2 || s.Inputs[0].Pinned() || s.Inputs[1].Pinned() || s.Inputs[1].Kind != llb.Package {
		t.Errorf("inputs %+v", s.Inputs)
	}
	g := llbtest.Read(t, llbtest.End{State: *s.Layer})
	script := g.Find("[python] install packages").GetExec().Meta.Args[3]
	for _, want := range []string{
		"--require-hashes --no-deps --only-binary :all: --requirements " + llb.Run + "/in/requirements.txt\n",
		"/bin/python --no-deps --only-binary :all: --requirements " + llb.Run + "/loose/requirements.txt\n",
	} {
		if !strings.Contains(script, want) {
			t.Errorf("no %q in\n%s", want, script)
		}
	}
	r, err := p.read()
	const loose = "scipy==1.0\ntorch @ file:///tmp/wheels/torch-2.5.1+cpu-cp39-cp39-linux_x86_64.whl ; sys_platform == 'linux'\n"
	if err != nil || r.Loose != loose || strings.TrimSpace(r.Text) != "numpy==2.1.0      "+someHash {
		t.Errorf("error %v, loose %q, text %q", err, r.Loose, r.Text)
	}
}

// TestToolOfTheIndex: its version is the component's, and its Python is
// nobody else's.
func TestToolOfTheIndex(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, toolPython(), stagetest.Trixie())
	if !slices.Equal(s.Path, []string{"/opt/dcm2niix/commands"}) || s.Licence.SPDX != "BSD-2-Clause" {
		t.Errorf("path %q, licence %v", s.Path, s.Licence)
	}
	if len(s.Questions) != 1 || s.Questions[0].Key != "DCM2NIIX_VERSION" || s.Questions[0].Section != stage.Software {
		t.Errorf("questions %+v", s.Questions)
	}
	for _, c := range s.Smoke {
		if strings.HasPrefix(c.Command, "python") {
			t.Errorf("%q is another Python", c.Command)
		}
	}
}

// TestSystemSitePackages: the distribution's packages need no pin, and are
// asked for their version like the others.
func TestSystemSitePackages(t *testing.T) {
	t.Parallel()
	s := stagetest.Stage(t, systemTorch(), stagetest.Trixie())
	if !slices.Equal(s.Runtime, []string{"python3", "python3-torch"}) {
		t.Errorf("runtime %q", s.Runtime)
	}
	if q := s.Questions[2]; q.Key != "PYTORCH_VERSION" || q.Want != "" {
		t.Errorf("asks %+v", q)
	}
}

// TestManifestKeys: the names that the version manifest had before.
func TestManifestKeys(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"torch": "PYTORCH_VERSION", "connected-components-3d": "CC3D_VERSION", "Connected_Components_3D": "CC3D_VERSION",
		"nibabel": "NIBABEL_VERSION", "pyvista": "PYVISTA_VERSION", "fsleyes": "FSLEYES_VERSION", "PyOpenGL-accelerate": "PYOPENGL_ACCELERATE_VERSION",
	} {
		if got := packageKey(name); got != want {
			t.Errorf("key of %s is %s, want %s", name, got, want)
		}
	}
}

func TestPythonQuestions(t *testing.T) {
	t.Parallel()
	got := stagetest.Stage(t, quickPython(), stagetest.Trixie()).Questions
	var keys, want []string
	for _, q := range got {
		keys, want = append(keys, q.Key), append(want, q.Want)
		if q.Section != stage.Packages {
			t.Errorf("%s is in section %s", q.Key, q.Section)
		}
	}
	if !slices.Equal(keys, []string{"PYTHON_VERSION", "NUMPY_VERSION", "CC3D_VERSION", "PYTORCH_VERSION"}) {
		t.Errorf("asks %q", keys)
	}
	if !slices.Equal(want, []string{"3.13", "2.1.0", "3.23.0", "2.6.0"}) {
		t.Errorf("wants %q", want)
	}
}

func TestPythonRuntime(t *testing.T) {
	t.Parallel()
	if got := stagetest.Stage(t, newPython(), stagetest.Trixie()).Runtime; !slices.Equal(got, []string{"python3"}) {
		t.Errorf("the system's Python needs %q", got)
	}
	own := testkit.With(newPython(), func(p *Python) { p.Interpreter = "/opt/conda/bin/python" })
	if got := stagetest.Stage(t, own, stagetest.Focal()).Runtime; len(got) != 0 {
		t.Errorf("the base's own Python needs %q", got)
	}
}

// TestFilesOfNewerPythons: a package with a file that this Python cannot compile
// is installed all the same, and the others are compiled.
func TestFilesOfNewerPythons(t *testing.T) {
	t.Parallel()
	testkit.Needs(t, "python3")
	prefix := t.TempDir()
	testkit.Write(t, filepath.Join(prefix, "lib/newer.py"), "match = match new: syntax\n")
	testkit.Write(t, filepath.Join(prefix, "lib/fine.py"), "x = 1\n")
	shell(t, "mkdir "+prefix+"/bin && ln -s $(command -v python3) "+prefix+"/bin/python")
	p := testkit.With(newPython(), func(p *Python) { p.Prefix = prefix })
	for line := range strings.Lines(p.script(stage.Requirements{})) {
		if strings.Contains(line, "compileall") {
			shell(t, line)
		}
	}
	if !slices.ContainsFunc(testkit.FilesBelow(t, prefix), func(f string) bool { return strings.HasPrefix(f, "lib/__pycache__/fine.") }) {
		t.Error("nothing is compiled")
	}
}
