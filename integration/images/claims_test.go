//go:build linux

package images

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

// claim is a line of what users and maintainers know of the service, or what
// docs/migration.md has in its place.
type claim struct {
	say     string // shell
	want    string // what it prints
	changed string // words of docs/migration.md, where this is not as it was
}

// topupValues is what the service has always told topup.
const topupValues = `topup='service'
--config=b02b0.cnf
--subsamp=1,1,1,1,1,1,1,1,1
--miter=10,10,10,10,10,20,20,30,30
--lambda=0.00033,0.000067,0.0000067,0.000001,0.00000033,0.000000033,0.0000000033,0.000000000033,0.00000000000067
--scale=0`

// homeClaims is what both kinds of images have in the home folder and in their
// environment: sections on paths and environment, and what pipelines call.
func homeClaims() []claim {
	return []claim{
		{say: "cd && pwd", want: "/home/jovyan"},
		{say: "pwd", want: "/home/jovyan"},
		{say: "ls -d ~/mrtrix3/bin ~/mrtrix3/lib ~/mrtrix3/share", want: "/home/jovyan/mrtrix3/bin\n/home/jovyan/mrtrix3/lib\n/home/jovyan/mrtrix3/share"},
		{say: "readlink ~/mrtrix3", want: "/opt/mrtrix3", changed: "/opt/mrtrix3, link"},
		{say: "ls ~/art/bin/acpcdetect", want: "/home/jovyan/art/bin/acpcdetect", changed: "/opt/art, link"},
		{say: "ls ~/ants/N4BiasFieldCorrection", want: "/home/jovyan/ants/N4BiasFieldCorrection", changed: "~/ants is a link to /opt/ants/bin"},
		{say: "ls ~/ants-2.4.4/bin/antsRegistration", want: "/home/jovyan/ants-2.4.4/bin/antsRegistration", changed: "/opt/ants, link ~/ants-2.4.4"},
		{say: "ls ~/c3d-1.0.0-Linux-x86_64/bin/c3d_affine_tool", want: "/home/jovyan/c3d-1.0.0-Linux-x86_64/bin/c3d_affine_tool", changed: "/opt/c3d, link"},
		{say: "ls ~/freesurfer/SetUpFreeSurfer.sh", want: "/home/jovyan/freesurfer/SetUpFreeSurfer.sh", changed: "/opt/freesurfer, link"},
		{say: "ls -d ~/freesurfer/subjects/fsaverage", want: "/home/jovyan/freesurfer/subjects/fsaverage"},
		{say: "ls ~/fsl/etc/flirtsch/b02b0.cnf ~/fsl/etc/fslconf/fsl.sh", want: "/home/jovyan/fsl/etc/flirtsch/b02b0.cnf\n/home/jovyan/fsl/etc/fslconf/fsl.sh", changed: "/opt/fsl, link"},
		{say: "cd ~/synb0-disco && LC_ALL=C ls -d src data_processing atlases INPUTS OUTPUTS | xargs", want: "INPUTS OUTPUTS atlases data_processing src"},
		{say: "ls -d ~/synb0-disco/v1_0 ~/synb0-disco/.git 2>/dev/null", want: ""},
		{say: "readlink /usr/local/bin/synb0-disco /usr/local/bin/normalize_T1.sh /usr/local/bin/pipeline_no_docker.sh | xargs", changed: "pipeline_no_docker.sh is a link to synb0-disco",
			want: "/opt/synb0-disco/bin/synb0-disco /opt/synb0-disco/bin/normalize_T1.sh /opt/synb0-disco/bin/synb0-disco"},
		{say: "echo $FREESURFER_HOME $MINC_BIN_DIR $MNI_DIR $PERL5LIB", changed: "below /opt/freesurfer",
			want: "/opt/freesurfer /opt/freesurfer/mni/bin /opt/freesurfer/mni /opt/freesurfer/mni/share/perl5"},
		{say: "echo $FSLDIR $FSLTCLSH $FSLWISH $FSLOUTPUTTYPE", want: "/opt/fsl /opt/fsl/bin/fsltclsh /opt/fsl/bin/fslwish NIFTI_GZ", changed: "below /opt/fsl"},
		{say: "echo $ANTSPATH $ARTHOME", want: "/opt/ants/bin/ /opt/art", changed: "/opt/ants/bin/"},
		{say: "ls -d $ANTSPATH $ARTHOME", want: "/opt/ants/bin/\n/opt/art"},
		{say: "echo ${LD_LIBRARY_PATH-none} ${PIPELINE_PATH-none} ${PYTHON_KERNEL_NAME-none} ${KERNEL_DIR-none}", want: "none none none none", changed: "other programs load FSL's libraries"},
		{say: "tr : '\\n' <<<$PATH | grep -c /opt/fsl/bin", want: "0"},
		{say: "ls ~/freesurfer/mni/bin/nu_correct ~/art ~/c3d-1.0.0-Linux-x86_64/bin/c3d >/dev/null && echo there", want: "there"},
		{say: "command -v jq", want: "", changed: "curl and jq"},
		{say: "tr : '\\n' <<<$PATH | sort | uniq -d", want: ""},
		{say: "tr : '\\n' <<<$PATH | grep -vE 'sct|local|^/(s?bin|usr|opt/conda)|service.cli|games' | xargs",
			want: "/opt/fsl/share/fsl/bin /opt/python/bin /opt/ants/bin /opt/c3d/bin /opt/freesurfer/bin /opt/freesurfer/mni/bin /opt/mrtrix3/bin /opt/art/bin /opt/synb0-disco/bin", changed: "in 1.4.1's order"},
		{say: "tr : '\\n' <<<$PATH | while read d; do [ -d $d ] || echo $d; done | grep /opt/", want: "", changed: "are gone where they named nothing"},
		{say: "command -v mri_convert mri_surf2surf mri_nu_correct.mni mri_normalize recon-all nu_correct | wc -l", want: "6"},
		{say: "command -v flirt topup fast bet epi_reg fslmerge fslmaths fslinfo | grep -c ^/opt/fsl/share/fsl/bin", want: "8"},
		{say: "command -v eddy_openmp eddy_cpu eddy | wc -l", want: "3"},
		{say: "command -v antsRegistration antsApplyTransforms N4BiasFieldCorrection antsRegistrationSyNQuick.sh | grep -c ^/opt/ants/bin", want: "4"},
		{say: "command -v c3d c3d_affine_tool synb0-disco normalize_T1.sh acpcdetect mrinfo | wc -l", want: "6", changed: "Convert3D is new in it"},
		{say: "command -v python", want: "/opt/python/bin/python", changed: "/opt/python/bin/python"},
		{say: "python -c 'import torch, numpy, nibabel, pyvista, scipy; print(1)'", want: "1"},
		{say: ". $FREESURFER_HOME/SetUpFreeSurfer.sh 2>/dev/null; . $FSLDIR/etc/fslconf/fsl.sh; echo $FREESURFER_HOME $FSLDIR", want: "/opt/freesurfer /opt/fsl"},
		{say: "stat -c '%a' ~/synb0-disco/INPUTS/ ~/synb0-disco/OUTPUTS/ | xargs", want: "777 777"},
		{say: "synb0-disco --help | grep -cE -- '--(notopup|stripped|topup)'", want: "3"},
		{say: "grep -oE -- '(--(config=b02|subsamp|miter|lambda|scale)|^topup=)[^ )]*' /opt/synb0-disco/bin/synb0-disco", want: topupValues},
		{say: "grep -cE 'cuda|map_location=device' /opt/synb0-disco/src/inference.py", want: "1", changed: "patched by content"},
		{say: "grep -c 'normalize_T1.sh' ~/synb0-disco/data_processing/prepare_input.sh | grep -v ^0 | wc -l; readlink -f $(command -v normalize_T1.sh)", want: "1\n/opt/synb0-disco/data_processing/normalize_T1.sh"},
		{say: "ls ~/synb0-disco/src/train_lin | grep -c '(.*, .*).*pth$'", want: "5"},
		{say: "ls ~/synb0-disco/atlases | grep -c 'asym_09c_mask.nii.gz$'", want: "1"},
		{say: "synb0-disco 2>&1 | grep -c 'no /opt/synb0-disco/INPUTS/b0.nii.gz'", want: "1", changed: "without any, the same folders"},
		{say: "grep -c '^python=.*:-/opt/python/bin/python}' /opt/synb0-disco/bin/synb0-disco", want: "1", changed: "| interpreter | ~/.venv/bin/python |"},
		{say: "tcsh -c 'echo 1'; echo 2 | bc; dc -e '3 p'; perl -e 'use Getopt::Long; print 4'; ls /usr/lib/*/libgomp.so.1 | wc -l", want: "1\n2\n3\n41"},
		{say: "ls $FREESURFER_HOME/license.txt 2>/dev/null; fs-license 2>&1 | grep -c 'no FreeSurfer licence'", want: "/opt/freesurfer/license.txt\n1", changed: "The image has none"},
		{say: "bash -lc 'command -v mrinfo flirt; echo $FSLDIR'", want: "/opt/mrtrix3/bin/mrinfo\n/opt/fsl/share/fsl/bin/flirt\n/opt/fsl", changed: "Login shells find all of"},
		{say: "grep -c _VERSION= /VERSION_MANIFEST.txt | grep -c ..", want: "1"},
		{say: "test -w /opt/fsl || test -w /opt/freesurfer || test -w /opt/mrtrix3 || echo read-only", want: "read-only", changed: "root's, read-only for users"},
	}
}

// productionClaims is what the notebook service has beside.
func productionClaims() []claim {
	return []claim{
		{say: "id -un; id -u; id -g", want: "jovyan\n1000\n100"},
		{say: "echo $FSFAST_HOME; ls -d $FSFAST_HOME", want: "/opt/freesurfer/fsfast\n/opt/freesurfer/fsfast", changed: "with an equals sign too many"},
		{say: "echo $SCT_DIR; command -v sct_version", want: "/opt/medimproc/sct\n/opt/medimproc/sct/bin/sct_version"},
		{say: "echo $PATH | cut -d : -f 1", want: "/opt/medimproc/sct/bin"},
		{say: "touch $SCT_DIR/x && rm $SCT_DIR/x && touch ~/synb0-disco/INPUTS/x ~/.jupyter/x ~/x /opt/python/lib/x && echo written", want: "written", changed: "SCT's folder, the notebooks' Python"},
		{say: "stat -c '%U:%G' $SCT_DIR $SCT_DIR/bin/sct_version | uniq", want: "jovyan:users"},
		{say: "~/.venv/bin/python -c 'import jupyterlab, sys; print(sys.prefix)'", want: "/home/jovyan/.venv", changed: "~/.venv is the base's, as it is"},
		{say: "~/.venv/bin/python -c 'import torch' 2>&1 | tail -n 1", want: "ModuleNotFoundError: No module named 'torch'", changed: "has no torch"},
		{say: ". /opt/python/bin/activate; python -c 'import torch, sys; print(sys.prefix)'", want: "/opt/python", changed: "source /opt/python/bin/activate"},
		{say: "echo $NB_USER $NB_UID $NB_GID $LANG $SHELL $NOTEBOOK_BASE_DIR $XDG_CACHE_HOME $JUPYTER_ENABLE_LAB", want: "jovyan 1000 100 en_US.UTF-8 /bin/bash /home/jovyan/work /home/jovyan/.cache/ yes"},
		{say: "echo $LC_ALL $LANGUAGE $CONDA_DIR [$NOTEBOOK_TOKEN] ${NOTEBOOK_TOKEN-unset} $HOME $JP_LSP_VIRTUAL_DIR $DEBIAN_FRONTEND", changed: "the base's; not set in the runners",
			want: "en_US.UTF-8 en_US.UTF-8 /opt/conda [] /home/jovyan /home/jovyan/.virtual_documents noninteractive"},
		{say: "tr : '\\n' <<<$PATH | sed -n '/^.opt.synb0-disco.bin$/,$p' | sed -n 2p", want: "/opt/conda/bin"},
		{say: "tr : '\\n' <<<$PATH | grep -c '/home/jovyan/.venv/bin'", want: "0", changed: "~/.venv/bin is not on PATH"},
		{say: "LC_ALL=C ls ~/work", want: "CHANGELOG.md\ninputs\noutputs\nrequirements.txt\nrequirements_medimproc.txt\nworkspace", changed: "requirements_medimproc.txt"},
		{say: "test -w ~/work/requirements.txt || test -w ~/work/requirements_medimproc.txt || echo read-only", want: "read-only"},
		{say: "echo ${FS_LICENSE}", want: "/home/jovyan/work/workspace/license.txt", changed: "/home/jovyan/work/workspace/license.txt"},
	}
}

// runnerClaims is what the headless services have beside.
func runnerClaims() []claim {
	return []claim{
		{say: "id -un; id -u; id -g; getent passwd scu | cut -d : -f 6,7; getent passwd ubuntu", want: "scu\n8004\n8004\n/home/jovyan:/bin/bash"},
		{say: "echo $SC_BUILD_TARGET $SC_USER_ID $SC_USER_NAME $INPUT_FOLDER $OUTPUT_FOLDER $HOME $USER", want: "runtime 8004 scu /input /output /home/jovyan scu"},
		{say: "echo ${DEBIAN_FRONTEND-none}", want: "none", changed: "not set in the runners"},
		{say: "readlink ~/.venv; . ~/.venv/bin/activate; python -c 'import numpy, sys; print(sys.prefix)'", want: "/opt/python\n/opt/python", changed: "In the runners ~/.venv is a link"},
		{say: "echo $PATH | grep -o '[^:]*$'; ls -d /home/scu 2>&1 | grep -c 'No such'", want: "/home/scu/service.cli\n1"},
		{say: "tr : '\\n' <<<$PATH | grep -nE 'freesurfer|ants' | cut -d : -f 2 | xargs", want: "/opt/ants/bin /opt/freesurfer/bin /opt/freesurfer/mni/bin", changed: "~/freesurfer/mni/bin is not in front"},
		{say: "echo $FS_LICENSE", want: "/input/license.txt", changed: "put it into the input folder"},
		{say: "mrinfo --version; dwibiascorrect -help && echo starts", want: "== mrinfo 3.0.8 ==\nstarts", changed: "3.0.4, whose scripts Python 3.12 cannot run"},
		{say: "touch ~/x ~/work/workspace/x /output/x && echo written", want: "written"},
	}
}

// claimsHold runs the claims and holds what they print against what is wanted.
func claimsHold(t *testing.T, claims []claim, run func(t *testing.T, script string) string) {
	t.Helper()
	guide := kit.ReadFile(t, kit.Path("docs/migration.md"))
	var script strings.Builder
	for _, c := range claims {
		script.WriteString("( " + c.say + "\n) 2>&1 </dev/null\necho ---\n")
		if !strings.Contains(guide, c.changed) {
			t.Errorf("docs/migration.md says nothing of %q", c.changed)
		}
	}
	answers := strings.Split(run(t, script.String()), "---\n")
	if len(answers) != len(claims)+1 {
		t.Fatalf("%d answers to %d claims: %q", len(answers)-1, len(claims), answers)
	}
	for i, c := range claims {
		if got := strings.TrimSuffix(answers[i], "\n"); got != c.want {
			t.Errorf("%s\n  gives %q\n  want  %q", c.say, got, c.want)
		}
	}
}
