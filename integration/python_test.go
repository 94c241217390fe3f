package integration

import (
	"fmt"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/medbuild/medbuild/integration/kit"
)

// fsleyesTable is the service's Python packages on Debian 13, which has wxPython
// itself: the index has no wheel of it for Linux. The other packages are what the
// component has in components.toml, where the release's own draw without a screen.
const fsleyesTable = `version = "3.13"
requirements = "python-3.13.txt"
packages = ["nibabel", "pyvista", "PyOpenGL", "PyOpenGL_accelerate", "fsleyes", "connected-components-3d", "wxPython"]
system_site_packages = true
env = { PYOPENGL_USE_ACCELERATE = "0" }

[components.python.runtime]
"debian-13" = ["libgl1", "libosmesa6", "python3-wxgtk4.0"]
`

// fsleyesLook makes a ball and renders it. Standard output has the manifest and
// what was imported; the picture is in /out.
const fsleyesLook = `set -e
cat /VERSION_MANIFEST.txt
export HOME=/tmp
python - <<'end'
import cc3d, nibabel, numpy, OpenGL, OpenGL_accelerate, pyvista, wx
x, y, z = numpy.mgrid[:40, :40, :40] - 20
ball = (20 - numpy.sqrt(x * x + y * y + z * z)).clip(0)
nibabel.save(nibabel.Nifti1Image(ball.astype("float32"), numpy.eye(4)), "/tmp/ball.nii.gz")
print("parts:", cc3d.connected_components(ball > 5).max())
print("wx from", wx.__file__)
print("sphere of", pyvista.Sphere().n_points > 100)
end
PYTHONUNBUFFERED=1 PYOPENGL_PLATFORM=osmesa fsleyes render --outfile /out/ball.png --size 300 200 /tmp/ball.nii.gz
`

// TestPythonOfTheService installs the lock of the service's Python packages, and
// lets fsleyes render a picture without a screen.
func TestPythonOfTheService(t *testing.T) {
	if testing.Short() {
		t.Skip("installs 400 MB of packages; run without -short")
	}
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Components("python", serviceSmoke(t)+fsleyesTable))
	kit.WriteFile(t, filepath.Join(dir, "python-3.13.txt"), kit.ReadFile(t, kit.Path("locks/python-3.13.txt")))
	kit.Built(t, dir).OK(t)
	out := t.TempDir()
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "run", "--target", "all", "--volume", out+":/out", "--", "/bin/sh", "-c", fsleyesLook))).OK(t)
	for _, want := range []string{
		"NIBABEL_VERSION=5.3.2\n", "PYVISTA_VERSION=0.46.4\n", "PYOPENGL_VERSION=3.1.10\n", "PYOPENGL_ACCELERATE_VERSION=3.1.10\n",
		"FSLEYES_VERSION=1.16.3\n", "CC3D_VERSION=3.26.1\n", "WXPYTHON_VERSION=4.2.",
		"parts: 1\n", "wx from /usr/lib/python3/dist-packages/wx/", "sphere of True\n",
	} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in\n%s", want, r.Stdout)
		}
	}
	checkPicture(t, filepath.Join(out, "ball.png"))
}

// serviceSmoke is the checks that the service's own environment has, without torch,
// which is not installed here.
func serviceSmoke(t *testing.T) string {
	t.Helper()
	var file struct {
		Components map[string]struct{ Smoke []string }
	}
	kit.Must(toml.DecodeFile(kit.Path("components.toml"), &file))(t)
	var out []string
	for _, check := range file.Components["python"].Smoke {
		out = append(out, fmt.Sprintf("%q", strings.Replace(check, "torch, torchvision, ", "", 1)))
	}
	return "smoke = [" + strings.Join(out, ", ") + "]\n"
}

// checkPicture wants a picture with a ball in it: shades of grey, which a screen
// that nothing was drawn on, or only its frame, has not.
func checkPicture(t *testing.T, path string) {
	t.Helper()
	f := kit.Must(os.Open(path))(t)
	defer f.Close()
	img, _, err := image.Decode(f)
	kit.NoError(t, err)
	if got := img.Bounds().Size(); got != image.Pt(300, 200) {
		t.Errorf("the picture has %v pixels", got)
	}
	shades := map[uint32]bool{}
	for y := range 200 {
		for x := range 300 {
			if r, g, b, _ := img.At(x, y).RGBA(); r == g && g == b {
				shades[r] = true
			}
		}
	}
	if len(shades) < 10 {
		t.Errorf("the picture has %d shades of grey", len(shades))
	}
}

// TestRequirementsWithoutHashes: lines that nothing pins are refused, and
// installed beside the others where that is allowed.
func TestRequirementsWithoutHashes(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages; run without -short")
	}
	kit.SharedEngine(t)
	wheel, _ := kit.Site(t).Put("/whl/cpu/standin-1.5+cpu-py3-none-any.whl", wheelOf(t))
	dir := kit.Project(t, kit.Components("python", "version = \"3.13\"\nrequirements = \"requirements.txt\"\npackages = [\"standin\", \"six\", \"nibabel\"]\nsystem_site_packages = true\nruntime = [\"python3-nibabel\"]\n"))
	kit.WriteFile(t, filepath.Join(dir, "requirements.txt"), "standin @ "+wheel+"\nsix==1.17.0\n")
	kit.Built(t, dir).Failed(t, 1, "components.toml:8:13: python: requirements.txt:1: "+wheel+" is not pinned\nhint: add --hash=sha256:",
		"components.toml:8:13: python: requirements.txt:2: six==1.17.0 is not pinned\nhint: write the file with uv pip compile")
	r := kit.Built(t, dir, "--allow-unpinned").OK(t)
	if !strings.Contains(r.Stderr, "six==1.17.0 is not pinned: its content may change at any time") {
		t.Errorf("nothing is said of what was taken:\n%s", r.Stderr)
	}
	r = kit.Finish(t, kit.In(dir, kit.Command(t, "run", "--target", "all", "--allow-unpinned", "--", "cat", "/VERSION_MANIFEST.txt"))).OK(t)
	for _, want := range []string{"STANDIN_VERSION=1.5+cpu\n", "SIX_VERSION=1.17.0\n", "NIBABEL_VERSION=5"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in\n%s", want, r.Stdout)
		}
	}
}
