package upstream

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Registered is a FreeSurfer licence of nobody, in the form of a real one. No
// image may hold it.
const Registered = "nobody@example.org\n10203\n *Cexample/licence\n FSexample/licence\n"

// FreeSurfer is the files of a release, small, below the folder "freesurfer": a
// file or more for each folder and kind that a real one has at its top and for
// each program that others call, and licences where they are known to turn up.
func FreeSurfer(stamp string) map[string]string {
	const answer = "#!/bin/sh\necho \"${0##*/} of $FREESURFER_HOME: $*\"\n"
	files := map[string]string{
		"build-stamp.txt":                stamp + "\n",
		"SetUpFreeSurfer.sh":             "export FREESURFER_HOME\n. $FREESURFER_HOME/FreeSurferEnv.sh\n",
		"bin/recon-all":                  "#!/bin/tcsh -f\nif (! $?FREESURFER_HOME) exit 1\ncat $FREESURFER_HOME/build-stamp.txt\n",
		"mni/bin/nu_correct":             "#! /usr/bin/env perl\nuse strict;\nuse MNI::Startup;\nprint \"nu_correct @ARGV\\n\";\n",
		"mni/share/perl5/MNI/Startup.pm": "package MNI::Startup;\nuse strict;\nuse Getopt::Long;\n1;\n",
		"license.txt":                    Registered,
		".license":                       Registered,
		"subjects/bert/license.txt":      Registered,
	}
	for _, program := range []string{"mri_convert", "mri_convert.bin", "mri_nu_correct.mni", "mri_normalize", "mri_surf2surf", "mri_info",
		"mri_binarize", "mris_calc", "freeview", "freeview.bin", "qdec.bin", "tkmedit", "mri_em_register_cuda", "mris_decimate_gui.bin"} {
		files["bin/"+program] = answer
	}
	for _, f := range []string{
		"FreeSurferColorLUT.txt", "FreeSurferEnv.csh", "FreeSurferEnv.sh", "SetUpFreeSurfer.csh", "sources.csh", "sources.sh",
		"LICENSE", "README", "RELEASE_NOTES", "docs/license.freesurfer.txt", "docs/recon-all.pdf",
		"average/RB_all_2016-05-10.vc700.gca", "average/RB_all_withskull_2016-05-10.vc700.gca", "average/talairach_mixed_with_skull.gca",
		"average/711-2C_as_mni_average_305.4dfp.img", "average/mult-comp-cor/fsaverage/lh/cortex/fwhm01/mc-z.csd",
		"average/lh.curvature.buckner40.filled.desikan_killiany.2010-03-25.gcs", "average/Yeo_Brainmap_MNI152/x.nii.gz",
		"data/x", "diffusion/mgh-dti-seqpack/x", "fsafd/x", "fsfast/bin/preproc-sess", "lib/bem/ic4.tri", "lib/cuda/libcudart.so.5.0",
		"lib/qt/lib/libQtCore.so.4", "lib/tcltktixblt/lib/libtcl8.4.so", "lib/vtk/lib/libvtkCommon.so", "lib/KWWidgets/libKWWidgets.so",
		"matlab/MRIread.m", "mni/lib/libminc.a", "mni/lib/libminc.so", "sessions/x", "subjects/bert/mri/orig.mgz", "subjects/cvs_avg35/mri/orig.mgz",
		"subjects/fsaverage/label/lh.cortex.label", "subjects/fsaverage/surf/lh.white", "subjects/V1_average/surf/lh.white",
		"tktools/tkutils.tcl", "trctrain/x",
	} {
		files[f] = f + "\n"
	}
	out := map[string]string{}
	for name, content := range files {
		out["freesurfer/"+name] = content
	}
	return out
}

// synb0Inference stands in for the network of Synb0-DISCO: the mean of both
// images and a filter whose weights come from a file. It is called as the real
// one is, and asks for a GPU in the same two lines.
const synb0Inference = `import sys

import nibabel
import numpy
import torch
import torchvision

import util
from model import UNet3D

if __name__ == '__main__':
    t1_path, b0_path, out_path, model_path = sys.argv[1:5]
    device = torch.device("cuda")
    model = UNet3D(2, 1).to(device)
    model.load_state_dict(torch.load(model_path))
    model.eval()
    image = numpy.stack([util.load(b0_path), util.load(t1_path)])[None]
    made = model(torch.from_numpy(image).float().to(device))
    like = nibabel.load(b0_path)
    nibabel.save(nibabel.Nifti1Image(made.detach().cpu().numpy()[0, 0], like.affine, like.header), out_path)
`

const synb0Model = `import torch


class UNet3D(torch.nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.filter = torch.nn.Conv3d(n_in, n_out, kernel_size=3, padding=1)

    def forward(self, x):
        return self.filter(x) + x.mean(dim=1, keepdim=True)
`

const synb0Util = `import nibabel
import scipy.ndimage


def load(path):
    return scipy.ndimage.gaussian_filter(nibabel.load(path).get_fdata(), 0.5)
`

// Synb0 is the files of Synb0-DISCO's repository, by the real names.
func Synb0() map[string]string {
	files := map[string]string{
		"src/inference.py":                 synb0Inference,
		"src/model.py":                     synb0Model,
		"src/util.py":                      synb0Util,
		"src/synb0.cnf":                    "--warpres=20,16\n",
		"data_processing/prepare_input.sh": "#!/bin/bash\nnormalize_T1.sh \"$2\" T1_N3.nii.gz T1_norm.nii.gz\n",
		"data_processing/normalize_T1.sh":  "#!/bin/bash\nmri_convert \"$1\" T1.mgz\n",
		"v1_0/src/synb0.m":                 "% old\n",
	}
	for _, f := range []string{"README.md", "Singularity", "synb0-license-MIT.txt", "src/pipeline.sh", "src/train_lin.py",
		"atlases/mni_icbm152_t1_tal_nlin_asym_09c.nii.gz", "atlases/mni_icbm152_t1_tal_nlin_asym_09c_mask.nii.gz",
		"atlases/mni_icbm152_t1_tal_nlin_asym_09c_2_5.nii.gz", "atlases/mni_icbm152_t1_tal_nlin_asym_09c_mask_2_5.nii.gz"} {
		files[f] = f + "\n"
	}
	for fold, epoch := range map[int]int{1: 97, 2: 98, 3: 90, 4: 90, 5: 88} {
		files[fmt.Sprintf("src/train_lin/num_fold_%d_total_folds_5_seed_1_num_epochs_100_lr_0.0001_betas_(0.9, 0.999)_weight_decay_1e-05_num_epoch_%d.pth", fold, epoch)] = "weights\n"
	}
	return files
}

// sctInstaller works as install_sct does: in its own folder, with a Miniforge
// that it fetches, and with traces in the home folder.
const sctInstaller = `#!/usr/bin/env bash
(
cd "$(dirname "$0")" || exit 1
set -euo pipefail
echo "arguments: $*"
gcc --version >/dev/null
case $SHELL in *bash*) echo "export SCT_DIR=$PWD" >>"$HOME/.bashrc" ;; *) exit 1 ;; esac
tmp=$(mktemp -d)
wget -nv -O "$tmp/miniforge.sh" https://github.com/conda-forge/miniforge/releases/download/24.11.2-1/Miniforge3-Linux-x86_64.sh
bash "$tmp/miniforge.sh" -p "$PWD/python" -b -f
python/bin/conda create -y -p "$PWD/python/envs/venv_sct"
mkdir -p bin data/PAM50
cp python/envs/venv_sct/bin/*sct* bin/
case " $* " in *" -d "*) ;; *) echo template >data/PAM50/PAM50_t2.nii.gz ;; esac
) 2>&1 | tee install_sct_log.txt
exit "${PIPESTATUS[0]}"
`

// SCT is the files of Spinal Cord Toolbox's repository, as far as installing
// it reads them.
func SCT(version string) map[string]string {
	return map[string]string{
		"install_sct":                      sctInstaller,
		"requirements-freeze.txt":          "numpy==1.26.4\n",
		"setup.py":                         "",
		"spinalcordtoolbox/version.txt":    version + "\n",
		"spinalcordtoolbox/__init__.py":    "",
		"contrib/tensorflow/__init__.py":   "",
		"documentation/source/index.rst":   "",
		"testing/api/test_image.py":        "",
		".github/workflows/run_tests.yml":  "",
		"data/.gitignore":                  "*\n!.gitignore\n",
		"spinalcordtoolbox/data/libsct.a":  "!<arch>\n",
		"spinalcordtoolbox/utils/sys.py":   "",
		"spinalcordtoolbox/deepseg/big.py": "",
	}
}

// Miniforge is an installer like Miniforge's. Its conda makes an environment
// whose programs begin with their interpreter's path, as conda's do. Of Python the
// interpreter knows whether a module is there, and runs nothing.
const Miniforge = `#!/bin/sh
set -eu
[ "$1 $3 $4" = "-p -b -f" ]
mkdir -p "$2/bin" "$2/pkgs/cache"
echo cached >"$2/pkgs/cache/python-3.10.conda"
cat >"$2/bin/conda" <<'END'
#!/bin/sh
set -eu
[ "$1 $2 $3" = "create -y -p" ]
mkdir -p "$4/bin" "$4/lib/matplotlib" "$4/lib/torch"
cat >"$4/bin/python" <<'PYTHON'
#!/bin/sh
env=${0%/bin/python}
missing() { [ ! -e "$env/lib/$1" ] && [ ! -e "$env/../../../$1" ]; }
case $1 in
-m) ;;
-c)
	printf '%s\n' "$2" | sed -nE 's/^(import|from) ([a-z_]+).*/\2/p' | while read -r module; do
		if missing "$module"; then
			echo "ModuleNotFoundError: No module named '$module'" >&2
			exit 1
		fi
	done
	;;
*) exec /bin/sh "$@" ;;
esac
PYTHON
printf '#!%s/bin/python\ncat %s/spinalcordtoolbox/version.txt\n' "$4" "$PWD" >"$4/bin/sct_version"
printf '#!%s/bin/python\necho "version of %s, $1"\n' "$4" "$PWD" >"$4/bin/sct_check_dependencies"
chmod +x "$4/bin/"*
END
chmod +x "$2/bin/conda"
`

// Tarball is a tar archive of the files, all of them executable, compressed with
// gzip. The folders come along.
func Tarball(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	made := map[string]bool{".": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := addDirs(w, made, filepath.Dir(name)); err != nil {
			return nil, err
		}
		h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name])), Typeflag: tar.TypeReg, Uid: 1234, Gid: 1234}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func addDirs(w *tar.Writer, made map[string]bool, dir string) error {
	if made[dir] {
		return nil
	}
	if err := addDirs(w, made, filepath.Dir(dir)); err != nil {
		return err
	}
	made[dir] = true
	return w.WriteHeader(&tar.Header{Name: dir + "/", Mode: 0o755, Typeflag: tar.TypeDir})
}

// Write writes the files into the folder dir, all of them executable.
func Write(dir string, files map[string]string) error {
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Submodule makes the folder of the repository dir a submodule that the
// repository says no address of, as old repositories have.
func Submodule(dir, folder string) error {
	inner := filepath.Join(dir, folder)
	if err := Write(inner, map[string]string{"README.md": "another repository\n"}); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "master"}, {"add", "-A"},
		{"-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "inner"},
	} {
		if _, err := git(inner, args...); err != nil {
			return err
		}
	}
	return nil
}
