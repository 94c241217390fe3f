package integration

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
)

// antsWork starts the programs that MRtrix3 and Synb0-DISCO call, as far as they
// are there, and then has a field corrected, as dwibiascorrect does.
const antsWork = `cd /work
for p in antsRegistration antsApplyTransforms antsRegistrationSyNQuick.sh PrintHeader N4BiasFieldCorrection; do
  command -v $p; $p </dev/null 2>&1 | grep -q -i -e usage -e options -e $p && echo $p answers
done
N4BiasFieldCorrection --version | head -n 1
N4BiasFieldCorrection -d 3 -i ball.nii -o corrected.nii >/dev/null && PrintHeader corrected.nii 2
ls /usr/lib/ants`

// TestOneANTs: what MRtrix3 calls of the distribution's ANTs works, and what makes
// transforms, which crashes in that build, is not in the image.
func TestOneANTs(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages; run without -short")
	}
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Components("ants", "version = \"2.5.4\"\ndistribution = true\n"))
	kit.Built(t, dir).OK(t)
	work := t.TempDir()
	kit.WriteFile(t, filepath.Join(work, "ball.nii"), ball())
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "run", "--target", "all", "--volume", work+":/work", "--", "/bin/bash", "-c", antsWork))).OK(t)
	for _, p := range []string{"PrintHeader", "N4BiasFieldCorrection"} {
		if !strings.Contains(r.Stdout, "/usr/lib/ants/"+p+"\n"+p+" answers\n") {
			t.Errorf("%s does not answer", p)
		}
	}
	if !strings.Contains(r.Stdout, "ANTs Version: 2.5.4") || !strings.Contains(r.Stdout, "\n32x32x32\n") {
		t.Error("the version or the corrected image is not right")
	}
	for _, p := range []string{"ANTS", "WarpImageMultiTransform", "antsAI", "antsApplyTransforms", "antsRegistration", "antsRegistrationSyNQuick.sh"} {
		if strings.Contains(r.Stdout, "\n"+p+"\n") {
			t.Errorf("%s is in the image", p)
		}
	}
	if t.Failed() {
		t.Log(r.Stdout, r.Stderr)
	}
}

// ball is a NIfTI file of 32 cubed voxels with a soft ball in the middle.
func ball() string {
	const side = 32
	h := make([]byte, 352)
	put16 := func(at int, v uint16) { binary.LittleEndian.PutUint16(h[at:], v) }
	binary.LittleEndian.PutUint32(h, 348)
	for i, v := range []uint16{3, side, side, side, 1, 1, 1, 1} { // dim
		put16(40+2*i, v)
	}
	put16(70, 4)  // datatype: int16
	put16(72, 16) // bits
	for i := range 4 {
		binary.LittleEndian.PutUint32(h[76+4*i:], 0x3f800000) // pixdim: 1
	}
	binary.LittleEndian.PutUint32(h[108:], 0x43b00000) // vox_offset: 352
	put16(254, 1)                                      // sform_code
	for row := range 3 {
		binary.LittleEndian.PutUint32(h[280+16*row+4*row:], 0x3f800000) // srow: the unit matrix
	}
	copy(h[344:], "n+1\x00")
	for i := range side * side * side {
		dx, dy, dz := i%side-side/2, i/side%side-side/2, i/side/side-side/2
		h = binary.LittleEndian.AppendUint16(h, uint16(max(0, 1000-8*(dx*dx+2*dy*dy+3*dz*dz))+10))
	}
	return string(h)
}

// TestANTsLacksAProgram: a release without a program that another component
// calls fails where it is built, not where it is used.
func TestANTsLacksAProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds on an engine; run without -short")
	}
	kit.SharedEngine(t)
	files := standins.ANTsFiles("ants-2.5.4/", nil)
	delete(files, "ants-2.5.4/bin/PrintHeader")
	address, sum := kit.Site(t).Put(standins.ANTsPath, kit.Zip(t, files))
	dir := kit.Project(t, kit.Components("ants", standins.ANTsAt(address, sum)))
	kit.Built(t, dir).Failed(t, 1, "ants: step [ants] test failed", "PrintHeader: not found")
	kit.WriteFile(t, filepath.Join(dir, "components.toml"),
		strings.Replace(kit.ReadFile(t, filepath.Join(dir, "components.toml")), "version = \"2.5.4\"", "version = \"2.5.4\"\ncommands = [\"antsRegistration\"]", 1))
	kit.Built(t, dir).OK(t)
}
