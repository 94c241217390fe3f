package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
)

func newSynb0() *Synb0 {
	return &Synb0{Common: stage.Common{Name: "synb0", Stage: "synb0", Version: testkit.Commit, Prefix: "/opt/synb0-disco"},
		Interpreter: "/opt/python/bin/python", Topup: "service"}
}

// homeSynb0 is an archive at the place that the service documents, run by the
// base's own Python.
func homeSynb0() *Synb0 {
	return testkit.With(newSynb0(), func(s *Synb0) {
		s.Version, s.Prefix = "3.1", "/home/jovyan/synb0-disco"
		s.Source = stage.Source{URL: "https://files.example/synb0-3.1.tar.gz", SHA256: testkit.SHA256}
		s.Interpreter, s.Topup, s.OutputsAt = systemPython, "upstream", "/data/out"
	})
}

func synb0Cases() []stageCase {
	return []stageCase{
		{"release", stagetest.Focal, func() stage.Tool { return newSynb0() }},
		{"home", stagetest.Trixie, func() stage.Tool { return homeSynb0() }},
	}
}

func TestSynb0Errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Synb0)
		want   []string
	}{
		{"topup", func(s *Synb0) { s.Topup = "b02b0.cnf" }, []string{`no parameters "b02b0.cnf"`, "hint: use service or upstream"}},
		{"mask in the prefix", func(s *Synb0) { s.Prefix = "/opt/unmasked/synb0" }, []string{`contains "mask"`, "hint: choose another prefix"}},
		{"no commit", func(s *Synb0) { s.Version = "3.1" }, []string{"3.1 is not a commit", "hint: write the commit as version"}},
		{"relative folder", func(s *Synb0) { s.InputsAt = "INPUTS" }, []string{`folder "INPUTS"`, "hint:"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, testkit.With(newSynb0(), tt.change), stagetest.Trixie(), tt.want...) })
	}
	wantError(t, homeSynb0(), stagetest.Focal(), "packages of PyTorch are not known for ubuntu-20.04", "use the interpreter of a python component")
}

func TestSynb0Needs(t *testing.T) {
	t.Parallel()
	commands := []string{"freesurfer", "fsl", "ants", "c3d"}
	if got := newSynb0().Needs(); !slices.Equal(got, append(commands, "python")) {
		t.Errorf("needs %q", got)
	}
	if !slices.Contains(newSynb0().Modules(), "torch") {
		t.Error("the inference does not ask for torch")
	}
	if got := homeSynb0(); !slices.Equal(got.Needs(), commands) || got.Modules() != nil {
		t.Errorf("with the base's Python it needs %q and %q", got.Needs(), got.Modules())
	}
}

// synb0Tree has the file names of upstream's repository.
func synb0Tree() map[string]string {
	const atlas = "atlases/mni_icbm152_t1_tal_nlin_asym_09c"
	tree := map[string]string{
		atlas + ".nii.gz": "", atlas + "_mask.nii.gz": "", atlas + "_2_5.nii.gz": "",
		"data_processing/normalize_T1.sh":  "#!/bin/bash\n",
		"data_processing/prepare_input.sh": prepareInput,
		"src/inference.py":                 "import torch\ndevice = torch.device(\"cuda\")\nweights = torch.load(model_path)\n",
		"src/model.py":                     "",
		"src/util.py":                      "",
		"src/synb0.cnf":                    "",
		"v1_0/README.md":                   "",
		".git/HEAD":                        "",
	}
	for _, fold := range []string{"1", "2", "3", "4", "5"} {
		tree["src/train_lin/num_fold_"+fold+"_total_folds_5_betas_(0.9, 0.999)_num_epoch_97.pth"] = fold
	}
	return tree
}

// prepareInput writes what upstream's script writes and tells what it was given.
const prepareInput = `#!/bin/bash
echo "prepare_input.sh $*" >>"$CALLS"
[ -z "${BROKEN:-}" ] || exit 0
for f in T1_norm.nii.gz epi_reg_d_ANTS.txt ANTS0GenericAffine.mat T1_norm_lin_atlas_2_5.nii.gz b0_d_lin_atlas_2_5.nii.gz; do
	echo x >"$5/$f"
done
`

// installed runs the step's script and returns the folder that is the prefix.
func installed(t *testing.T, s *Synb0, tree map[string]string) (prefix, said string, err error) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the script is for GNU tar and sed")
	}
	dir := t.TempDir()
	prefix = filepath.Join(dir, "to")
	if err := os.Mkdir(prefix, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range tree {
		testkit.Write(t, filepath.Join(dir, "run/src", name), content)
	}
	testkit.Write(t, filepath.Join(dir, "run/command/synb0-disco"), strings.ReplaceAll(s.command(), s.Prefix, prefix))
	script := stepScript(t, s, "[synb0] copy and patch", map[string]string{s.Prefix: prefix, "/run/medbuild": dir + "/run"})
	out, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput()
	return prefix, string(out), err
}

func TestSynb0Installs(t *testing.T) {
	t.Parallel()
	prefix, said, err := installed(t, newSynb0(), synb0Tree())
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	text, err := os.ReadFile(filepath.Join(prefix, "src/inference.py"))
	if want := "import torch\ndevice = torch.device(\"cpu\")\nweights = torch.load(model_path, map_location=device)\n"; string(text) != want {
		t.Errorf("patched to %q (%v), want %q", text, err, want)
	}
	for _, gone := range []string{"v1_0", ".git"} {
		if _, err := os.Lstat(filepath.Join(prefix, gone)); err == nil {
			t.Errorf("%s is in the layer", gone)
		}
	}
	for _, dir := range []string{"INPUTS", "OUTPUTS"} {
		if info, err := os.Stat(filepath.Join(prefix, dir)); err != nil || info.Mode().Perm() != 0o777 {
			t.Errorf("%s is not for everyone: %v (%v)", dir, info, err)
		}
	}
	if out, err := exec.Command(filepath.Join(prefix, "bin/synb0-disco"), "--version").CombinedOutput(); err != nil || string(out) != testkit.Commit+"\n" {
		t.Errorf("version is %q (%v)", out, err)
	}
	if info, err := os.Stat(filepath.Join(prefix, "bin/normalize_T1.sh")); err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("normalize_T1.sh is no command: %v", err)
	}
}

// TestSynb0PatchFailsLoudly: a line that moved is found, one that changed is not
// passed over.
func TestSynb0PatchFailsLoudly(t *testing.T) {
	t.Parallel()
	const device, load = "device = torch.device(\"cuda\")\n", "torch.load(model_path)\n"
	tests := []struct{ name, inference, want string }{
		{"moved", "\n\n\nif True:\n    " + device + "    x(" + load[:len(load)-1] + ")\n", ""},
		{"another device", strings.Replace(device, "cuda", "cuda:0", 1) + load, `0 lines with device = torch.device("cuda"), want one`},
		{"chosen device", "device = torch.device(\"cuda\" if torch.cuda.is_available() else \"cpu\")\n" + load, `0 lines with device = torch.device("cuda")`},
		{"loaded twice", device + load + load, "2 lines with torch.load(model_path), want one"},
		{"loaded otherwise", device + "torch.load(path)\n", "0 lines with torch.load(model_path), want one"},
		{"more for the GPU", device + load + "model.cuda()\n", "still asks for a GPU"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := synb0Tree()
			tree["src/inference.py"] = tt.inference
			_, said, err := installed(t, newSynb0(), tree)
			if (err == nil) != (tt.want == "") || !strings.Contains(said, tt.want) {
				t.Errorf("%v: no %q in\n%s", err, tt.want, said)
			}
		})
	}
	tree := synb0Tree()
	delete(tree, "src/synb0.cnf")
	if _, said, err := installed(t, newSynb0(), tree); err == nil || !strings.Contains(said, "has no src/synb0.cnf") {
		t.Errorf("%v: %s", err, said)
	}
}

// pipeline is an installed Synb0-DISCO with tools that tell how they are called.
type pipeline struct{ prefix, calls, path string }

func newPipeline(t *testing.T, s *Synb0) pipeline {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"mri_convert", "mri_nu_correct.mni", "mri_normalize", "bet", "epi_reg", "fslmerge", "fslmaths",
		"c3d_affine_tool", "antsRegistrationSyNQuick.sh", "antsApplyTransforms", "topup", "python"} {
		testkit.Write(t, filepath.Join(dir, name), "#!/bin/bash\necho \""+name+" $*\" >>\"$CALLS\"\nif [ "+name+" = python ] && [ \"$1\" != -c ]; then echo x >\"$4\"; fi\n")
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.Interpreter = filepath.Join(dir, "python")
	prefix, said, err := installed(t, s, synb0Tree())
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return pipeline{prefix, filepath.Join(dir, "calls"), prefix + "/bin:" + dir + ":" + os.Getenv("PATH")}
}

// run runs synb0-disco and returns what it said and which tools it called.
func (p pipeline) run(t *testing.T, args ...string) (said, calls string, err error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(p.prefix, "bin/synb0-disco"), args...)
	cmd.Env = []string{"PATH=" + p.path, "CALLS=" + p.calls, "TMPDIR=" + t.TempDir(), "BROKEN=" + os.Getenv("BROKEN")}
	out, err := cmd.CombinedOutput()
	text, _ := os.ReadFile(p.calls)
	_ = os.Remove(p.calls)
	return string(out), string(text), err
}

func (p pipeline) inputs(t *testing.T, dir string, names ...string) string {
	t.Helper()
	for _, n := range names {
		testkit.Write(t, filepath.Join(dir, n), "x")
	}
	return dir
}

const serviceTopup = "--config=b02b0.cnf --subsamp=1,1,1,1,1,1,1,1,1 --miter=10,10,10,10,10,20,20,30,30 " +
	"--lambda=0.00033,0.000067,0.0000067,0.000001,0.00000033,0.000000033,0.0000000033,0.000000000033,0.00000000000067 --scale=0 "

func TestSynb0CommandWithoutArguments(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, newSynb0())
	p.inputs(t, p.prefix+"/INPUTS", "b0.nii.gz", "T1.nii.gz", "acqparams.txt")
	said, calls, err := p.run(t)
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, want := range []string{serviceTopup, "mni_icbm152_t1_tal_nlin_asym_09c.nii.gz ", "mni_icbm152_t1_tal_nlin_asym_09c_2_5.nii.gz "} {
		if !strings.Contains(calls, want) {
			t.Errorf("no %q in\n%s", want, calls)
		}
	}
	if n := strings.Count(calls, "/src/inference.py "); n != 5 {
		t.Errorf("%d inferences, want 5:\n%s", n, calls)
	}
	if _, err := os.Stat(p.prefix + "/OUTPUTS/b0_u_lin_atlas_2_5_FOLD_5.nii.gz"); err != nil {
		t.Error(err)
	}
}

func TestSynb0CommandWithArguments(t *testing.T) {
	t.Parallel()
	p := newPipeline(t, newSynb0())
	dir := filepath.Join(t.TempDir(), "a mask in the name")
	in, out := p.inputs(t, dir+"/in", "b0.nii.gz", "T1.nii.gz"), dir+"/out"
	said, calls, err := p.run(t, "--stripped", in, out, "-i")
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if strings.Contains(calls, "topup") || !strings.Contains(calls, "09c_mask.nii.gz ") || strings.Contains(calls, "a mask") {
		t.Errorf("calls:\n%s", calls)
	}
	p.inputs(t, in, "acqparams.txt")
	said, calls, err = p.run(t, "-t", "upstream", in, out)
	if err != nil || !strings.Contains(calls, "--config="+p.prefix+"/src/synb0.cnf ") || strings.Contains(calls, "--subsamp") {
		t.Errorf("%v: %s\ncalls:\n%s", err, said, calls)
	}
}

func TestSynb0CommandSaysWhatIsMissing(t *testing.T) {
	p := newPipeline(t, newSynb0())
	in := p.inputs(t, t.TempDir(), "b0.nii.gz", "T1.nii.gz")
	out := t.TempDir()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"one folder", []string{in}, "name both folders"},
		{"an option", []string{"--fast"}, "there is no option --fast"},
		{"acqparams", []string{in, out}, "there is no " + in + "/acqparams.txt"},
		{"interpreter", []string{"-i", "-p", "/bin/false", in, out}, "does not have the packages"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if said, _, err := p.run(t, tt.args...); err == nil || !strings.Contains(said, tt.want) {
				t.Errorf("%v: no %q in\n%s", err, tt.want, said)
			}
		})
	}
	// A command of upstream's script that fails does not end that script.
	t.Setenv("BROKEN", "yes")
	if said, calls, err := p.run(t, "-i", in, out); err == nil || !strings.Contains(said, "the preparation did not write "+out+"/T1_norm.nii.gz") {
		t.Errorf("%v: %s\n%s", err, said, calls)
	}
	if err := os.Remove(strings.Split(p.path, ":")[1] + "/epi_reg"); err != nil {
		t.Fatal(err)
	}
	if said, _, err := p.run(t, "-i", in, out); err == nil || !strings.Contains(said, "epi_reg is not on PATH") {
		t.Errorf("%v: %s", err, said)
	}
}
