package stage

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

const someHash = "--hash=sha256:1111111111111111111111111111111111111111111111111111111111111111"

func requirementsOf(content string) File {
	return File{Path: "requirements.txt", Content: []byte(content)}
}

func pinsOf(content string) (map[string]string, error) {
	r, err := ReadRequirements(requirementsOf(content))
	return r.Pins, errors.Join(err, r.Usable(Ground{}))
}

func TestPins(t *testing.T) {
	t.Parallel()
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
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := pinsOf(tt.content)
			if err != nil || !maps.Equal(got, tt.want) {
				t.Errorf("%v, want %v (%v)", got, tt.want, err)
			}
		})
	}
}

func FuzzPins(f *testing.F) {
	for _, seed := range []string{"numpy==2.1.0 \\\n    " + someHash + "\n", "", "a==", "a==1 " + someHash, "a==1 \\\r\n " + someHash, "==1", "a[==1 " + someHash, "\x00==\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		pins, err := pinsOf(content)
		if err != nil {
			return
		}
		for name, version := range pins {
			if name != NormalName(name) || name == "" || strings.ContainsAny(version, " \t\n;") && !strings.Contains(content, "@") {
				t.Errorf("pin %q==%q of %q", name, version, content)
			}
			if !strings.Contains(content, version) && !strings.Contains(content, "%") {
				t.Errorf("version %q is not in %q", version, content)
			}
		}
	})
}

func TestNormal(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"numpy": "numpy", "PyOpenGL_accelerate": "pyopengl-accelerate", "a.-_b": "a-b", "Connected_Components.3D": "connected-components-3d",
	} {
		if got := NormalName(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestPinErrors(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]string{
		"numpy==2.1.0\nscipy==1 " + someHash:                                               {"requirements.txt:1: numpy==2.1.0 is not pinned", "hint: write the file with uv pip compile --generate-hashes"},
		"torch @ https://wheels.example/t-1-py3-none-any.whl":                              {"requirements.txt:1: https://wheels.example/t-1-py3-none-any.whl is not pinned", "hint: add --hash=sha256:"},
		"torch @ https://wheels.example/t-1-py3-none-any.whl " + someHash + " " + someHash: {"requirements.txt:1: torch @ ", "is one file, but has 2 hashes", "hint: "},
		"# x\ntorch @ ftp://wheels.example/t-1-py3-none-any.whl " + someHash:               {"requirements.txt:2: ", "ftp is not one of http, https"},
		"# x\na==1 \\\n " + someHash + "\n\nscipy==1\nb==1":                                {"requirements.txt:5: scipy==1 is", "requirements.txt:6: b==1 is"},
		"":                                       {"requirements.txt lists no packages", "hint: a line is <package>==<version>"},
		"# numpy==1\n\n":                         {"requirements.txt lists no packages"},
		"a==1\n# na\xefve":                       {"requirements.txt:2:5: the byte 0xef is not UTF-8"},
		"\xff\xfea\x00":                          {"requirements.txt: is encoded in UTF-16"},
		strings.Repeat("#\n", 2<<20):             {"requirements.txt is larger than 2 MiB"},
		"torch @ https://wheels.example/%zz.whl": {"requirements.txt:1: ", "address of torch"},
	} {
		_, err := pinsOf(content)
		testkit.WantText(t, err, want...)
	}
	if _, err := pinsOf("numpy==2.1.0"); !errors.Is(err, ErrUnpinned) || problem.ClassOf(err) != problem.Refused {
		t.Errorf("a line without a hash is %v", err)
	}
}

// TestRequirements: files by address are inputs, under their own names in the
// step; what has no hash is apart from the rest.
func TestRequirements(t *testing.T) {
	t.Parallel()
	const address = "https://wheels.example/torch-2.5.1%2Bcpu-cp39-cp39-linux_x86_64.whl"
	f := requirementsOf("numpy==2.1.0 " + someHash + "\nscipy==1.0\ntorch @ " + address + " ; x == 'y' " + someHash + "\n")
	r, err := ReadRequirements(f)
	if err != nil || r.Usable(Ground{AllowUnpinned: true}) != nil {
		t.Fatal(err)
	}
	in := r.Inputs()
	if len(in) != 2 || in[0].Address != address || in[0].Kind != llb.Archive || in[0].At.Line != 3 || !in[0].Pinned() || in[1].Kind != llb.Package || in[1].Pinned() {
		t.Errorf("inputs %+v", in)
	}
	const file = "/tmp/wheels/torch-2.5.1+cpu-cp39-cp39-linux_x86_64.whl"
	if strings.TrimSpace(r.Loose) != "scipy==1.0" || !strings.Contains(r.Text, "torch @ file://"+file+" ;") || strings.Contains(r.Text, "scipy") {
		t.Errorf("loose %q, text %q", r.Loose, r.Text)
	}
	if m := r.Mounts("python"); len(m) != 1 || m[0].Target != WheelMount(0) {
		t.Errorf("mounts %+v", m)
	}
	if want := "mkdir /tmp/wheels\nln -s " + WheelMount(0) + "/* '" + file + "'\n"; r.Links() != want {
		t.Errorf("links\n%s", r.Links())
	}
	plain, err := ReadRequirements(requirementsOf("numpy==2.1.0 " + someHash + "\n"))
	if err != nil || plain.Links() != "" || plain.Loose != "" || !slices.Equal(plain.Inputs(), nil) {
		t.Errorf("%+v, %v", plain, err)
	}
}
