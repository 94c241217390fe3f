package stages

import (
	"errors"
	"maps"
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

func pinsOf(content string, packages ...string) (map[string]string, error) {
	p := newPython(packages...)
	p.Requirements.Content = []byte(content)
	r, err := p.read()
	return r.Pins, errors.Join(err, r.Usable(stage.Ground{}, p.Requirements))
}

func TestPins(t *testing.T) {
	tests := []struct {
		name, content string
		want          map[string]string
	}{
		{"one line", "numpy==2.1.0 " + someHash, map[string]string{"numpy": "2.1.0"}},
		{"continued", "numpy==2.1.0 \\\n    " + someHash + " \\\n    " + someHash + "\n", map[string]string{"numpy": "2.1.0"}},
		{"continued at once", "numpy==2.1.0\\\n" + someHash, map[string]string{"numpy": "2.1.0"}},
		{"Windows line ends", "numpy==2.1.0 \\\r\n    " + someHash + "\r\nscipy==1.0 " + someHash + "\r\n", map[string]string{"numpy": "2.1.0", "scipy": "1.0"}},
		{"names are normal", "Ruamel.YAML_clib==0.2 " + someHash, map[string]string{"ruamel-yaml-clib": "0.2"}},
		{"extras and markers", "torch[a,b]==2.6.0+cpu; python_version > \"3\" " + someHash, map[string]string{"torch": "2.6.0+cpu"}},
		{"comments and options", "# numpy==1\n--index-url https://index.example\n    # via x\nnumpy==2 " + someHash + " # numpy==3\n", map[string]string{"numpy": "2"}},
		{"blanks around the sign", "numpy == 2.1.0 " + someHash, map[string]string{"numpy": "2.1.0"}},
		{"by address", "torch @ https://wheels.example/torch-2.5.1%2Bcpu-cp312-cp312-linux_x86_64.whl " + someHash, map[string]string{"torch": "2.5.1+cpu"}},
		{"by address, continued", "wxPython[x] @ https://wheels.example/wxPython-4.2.3-cp313-cp313-linux_x86_64.whl#frag ; sys_platform == 'linux' \\\n    " + someHash, map[string]string{"wxpython": "4.2.3"}},
		{"source archive by address", "attrdict @ https://wheels.example/attrdict-2.0.1.tar.gz " + someHash, map[string]string{"attrdict": "2.0.1"}},
		{"one of two, by marker", "numpy==1.24 ; python_version < '3.9' " + someHash + "\nnumpy==2.1 ; python_version >= '3.9' " + someHash, map[string]string{"numpy": ""}},
		{"nothing", "", map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pinsOf(tt.content)
			if err != nil || !maps.Equal(got, tt.want) {
				t.Errorf("%v, want %v (%v)", got, tt.want, err)
			}
		})
	}
}

func TestPinErrors(t *testing.T) {
	_, err := pinsOf("numpy==2.1.0\nscipy==1 " + someHash)
	testkit.WantText(t, err, "requirements.txt: numpy==2.1.0 is not pinned", "hint: write the file with uv pip compile --generate-hashes")
	_, err = pinsOf("scipy==1 "+someHash, "SciPy", "numpy")
	testkit.WantText(t, err, "package numpy is not pinned in requirements.txt", "hint: write numpy==<version>")
	_, err = pinsOf("numpy>=2 "+someHash, "numpy")
	testkit.WantText(t, err, "package numpy is not pinned")
	_, err = pinsOf("torch @ https://wheels.example/t-1-py3-none-any.whl")
	testkit.WantText(t, err, "requirements.txt: https://wheels.example/t-1-py3-none-any.whl is not pinned", "hint: add --hash=sha256:")
	_, err = pinsOf("torch @ https://wheels.example/t-1-py3-none-any.whl " + someHash + " " + someHash)
	testkit.WantText(t, err, "is one file, but has 2 hashes", "hint: ")
	_, err = pinsOf("torch @ ftp://wheels.example/t-1-py3-none-any.whl " + someHash)
	testkit.WantText(t, err, "ftp is not one of http, https")
}

// TestWheelsAreInputs: what the requirements name by address is fetched by the
// engine, and uv finds it under its own name.
func TestWheelsAreInputs(t *testing.T) {
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
	const text = "numpy==2.1.0 \\\n    " + someHash + "\nscipy==1.0\n" +
		"torch @ https://wheels.example/torch-2.5.1%2Bcpu-cp39-cp39-linux_x86_64.whl ; sys_platform == 'linux'\n"
	p := testkit.With(newPython("scipy", "torch"), func(p *Python) { p.Requirements.Content = []byte(text) })
	wantError(t, p, stagetest.Trixie(), "requirements.txt: https://wheels.example/torch-2.5.1%2Bcpu-cp39-cp39-linux_x86_64.whl is not pinned",
		"hint: add --hash=sha256:", "requirements.txt: scipy==1.0 is not pinned", "--allow-unpinned")

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
	s := stagetest.Stage(t, systemTorch(), stagetest.Trixie())
	if !slices.Equal(s.Runtime, []string{"python3", "python3-torch"}) {
		t.Errorf("runtime %q", s.Runtime)
	}
	if q := s.Questions[2]; q.Key != "PYTORCH_VERSION" || q.Want != "" {
		t.Errorf("asks %+v", q)
	}
}

func FuzzPins(f *testing.F) {
	for _, seed := range []string{someRequirements, "", "a==", "a==1 " + someHash, "a==1 \\\r\n " + someHash, "==1", "a[==1 " + someHash, "\x00==\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		pins, err := pinsOf(content)
		if err != nil {
			return
		}
		for name, version := range pins {
			if name != stage.NormalName(name) || name == "" || strings.ContainsAny(version, " \t\n;") && !strings.Contains(content, "@") {
				t.Errorf("pin %q==%q of %q", name, version, content)
			}
			if !strings.Contains(content, version) && !strings.Contains(content, "%") {
				t.Errorf("version %q is not in %q", version, content)
			}
		}
	})
}

func TestNormal(t *testing.T) {
	for name, want := range map[string]string{
		"numpy": "numpy", "PyOpenGL_accelerate": "pyopengl-accelerate", "a.-_b": "a-b", "Connected_Components.3D": "connected-components-3d",
	} {
		if got := stage.NormalName(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestManifestKeys: the names that the version manifest had before.
func TestManifestKeys(t *testing.T) {
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
	if got := stagetest.Stage(t, newPython(), stagetest.Trixie()).Runtime; !slices.Equal(got, []string{"python3"}) {
		t.Errorf("the system's Python needs %q", got)
	}
	own := testkit.With(newPython(), func(p *Python) { p.Interpreter = "/opt/conda/bin/python" })
	if got := stagetest.Stage(t, own, stagetest.Focal()).Runtime; len(got) != 0 {
		t.Errorf("the base's own Python needs %q", got)
	}
}
