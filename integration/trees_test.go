package integration

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/medbuild/medbuild/integration/upstream"
	"github.com/medbuild/medbuild/internal/image"
)

const (
	freesurferPath  = "/pub/dist/freesurfer/6.0.0/freesurfer-Linux-centos6_x86_64-stable-pub-v6.0.0.tar.gz"
	freesurferStamp = "freesurfer-Linux-centos6_x86_64-stable-pub-v6.0.0-2beb96c"
	synb0Path       = "/MASILab/Synb0-DISCO.git"
	sctPath         = "/spinalcordtoolbox/spinalcordtoolbox.git"
	miniforgePath   = "/conda-forge/miniforge/releases/download/24.11.2-1/Miniforge3-Linux-x86_64.sh"
)

// freesurferTable serves a release and returns a component's table.
func freesurferTable(t *testing.T, s *upstream.Site, files map[string]string, more string) string {
	t.Helper()
	address, sum := s.Put(freesurferPath, must(upstream.Tarball(files))(t))
	return fmt.Sprintf("version = \"6.0.0\"\nsource = { url = %q, sha256 = %q }\n%s\n", address, sum, more)
}

// layoutOf builds the project's target and returns the image's layout folder.
func layoutOf(t testing.TB, dir, target string) string {
	t.Helper()
	out := filepath.Join(dir, "out-"+target)
	finish(t, in(dir, medbuildCmd(t, "build", "--progress", "plain", "--target", target, "--output", "type=oci,tar=false,dest="+out))).ok(t)
	return out
}

// inside runs a script in a target and returns what it printed.
func inside(t testing.TB, dir, target, script string) string {
	t.Helper()
	return medbuild(t, "run", "--file", filepath.Join(dir, "components.toml"), "--target", target, "--", "/bin/bash", "-euc", script).ok(t).Stdout
}

func TestFreeSurfer(t *testing.T) {
	if testing.Short() {
		t.Skip("installs tcsh and Perl; run without -short")
	}
	sharedEngine(t)
	s := site(t)
	files := upstream.FreeSurfer(freesurferStamp)
	dir := project(t, components("freesurfer", freesurferTable(t, s, files, `profile = "recon-all"`)))
	layout := layoutOf(t, dir, "all")

	t.Run("layers", func(t *testing.T) {
		tree := below(t, layout, "opt/freesurfer")
		for _, kept := range []string{"bin/mri_convert", "bin/recon-all", "subjects/fsaverage/surf/lh.white", "average/RB_all_2016-05-10.vc700.gca",
			"average/talairach_mixed_with_skull.gca", "docs/license.freesurfer.txt", "mni/share/perl5/MNI/Startup.pm"} {
			if e, ok := tree[kept]; !ok || e.Uid != 0 || e.Content == nil {
				t.Errorf("%s is missing or not root's", kept)
			}
		}
		if got := tree["license.txt"].Linkname; got != "/run/freesurfer/license.txt" {
			t.Errorf("license.txt leads to %q", got)
		}
	})
	t.Run("notices", func(t *testing.T) { checkNotices(t, layout) })
	t.Run("inside", func(t *testing.T) { checkFreeSurferInside(t, dir) })
	t.Run("image", checkFreeSurferImage)
	t.Run("synb0 profile", func(t *testing.T) {
		small := project(t, components("freesurfer", freesurferTable(t, s, files, "profile = \"synb0\"\nkeep = [\"bin/mri_surf2surf\"]")))
		tree := below(t, layoutOf(t, small, "all"), "opt/freesurfer")
		for name, want := range map[string]bool{"bin/mri_nu_correct.mni": true, "bin/mri_surf2surf": true, "bin/recon-all": false, "subjects/fsaverage/surf/lh.white": true} {
			if _, got := tree[name]; got != want {
				t.Errorf("%s: there: %v, want %v", name, got, want)
			}
		}
	})
	t.Run("licence under another name", func(t *testing.T) {
		files["freesurfer/docs/site-registration"] = upstream.Registered
		bad := project(t, components("freesurfer", freesurferTable(t, s, files, `profile = "full"`)))
		built(t, bad).failed(t, 1, "freesurfer: step [freesurfer] unpack failed", "docs/site-registration looks like a FreeSurfer licence", "components.toml:8:13")
	})
}

// checkNotices looks for the licences in the image: as a file and as labels.
func checkNotices(t *testing.T, layout string) {
	t.Helper()
	config := must(openLayout(t, layout).ConfigFile())(t).Config
	if got := config.Labels["io.github.medbuild.non-commercial"]; got != "freesurfer" {
		t.Errorf("the label names %q", got)
	}
	if got := config.Labels["org.opencontainers.image.licenses"]; got != "LicenseRef-FreeSurfer" {
		t.Errorf("licences are %q", got)
	}
	var text []byte
	noError(t, image.Walk(openLayout(t, layout), func(e image.Entry) error {
		if e.Name != "THIRD_PARTY_NOTICES" {
			return nil
		}
		var err error
		text, err = io.ReadAll(e.Content)
		return err
	}))
	for _, want := range []string{"# For non-commercial use only\n\nfreesurfer\n", "Licence: LicenseRef-FreeSurfer\n", freesurferPath + " sha256:"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the notices:\n%s", want, text)
		}
	}
}

func checkFreeSurferInside(t *testing.T, dir string) {
	t.Helper()
	got := inside(t, dir, "all", `
grep FREESURFER /VERSION_MANIFEST.txt
recon-all -version
nu_correct a b
! test -e $FREESURFER_HOME/license.txt
if fs-license 2>/tmp/said; then exit 1; fi
grep -c 'no FreeSurfer licence at /run/freesurfer/license.txt' /tmp/said
FS_LICENSE_CONTENT='nobody@example.org
1' fs-license sh -c 'stat -c "%a %U" $FS_LICENSE; head -n 1 $FREESURFER_HOME/license.txt; env | grep -c CONTENT || :'`)
	want := "FREESURFER_VERSION=6.0.0\n" + freesurferStamp + "\nnu_correct a b\n1\n600 root\nnobody@example.org\n0\n"
	if got != want {
		t.Errorf("inside:\n%s\nwant:\n%s", got, want)
	}
}

func checkFreeSurferImage(t *testing.T) {
	dir, target := freesurferFromImage(t, nil)
	layout := layoutOf(t, dir, target)
	if got := below(t, layout, "opt/freesurfer7")["license.txt"].Linkname; got != "/home/user/license.txt" {
		t.Errorf("license.txt leads to %q", got)
	}
	if got := inside(t, dir, "all", "recon-all -version; grep FREESURFER /VERSION_MANIFEST.txt"); !strings.Contains(got, "FREESURFER_VERSION=7.4.1\n") {
		t.Errorf("inside: %s", got)
	}
}

// pushed puts an image with one layer into a registry that ends with the test,
// and returns its reference by digest.
func pushed(t *testing.T, tag string, files map[string]string) string {
	t.Helper()
	return pushedTo(t, &faultyHub{}, tag, files)
}

// pushedTo is pushed for a registry that can fail.
func pushedTo(t *testing.T, hub *faultyHub, tag string, files map[string]string) string {
	t.Helper()
	hub.Handler = registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	archive := must(upstream.Tarball(files))(t)
	layer := must(tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }))(t)
	img := must(mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64"}))(t)
	img = must(mutate.AppendLayers(img, layer))(t)
	reference := strings.TrimPrefix(server.URL, "http://") + "/" + tag
	noError(t, remote.Write(must(name.ParseReference(reference))(t), img))
	return reference + "@" + must(img.Digest())(t).String()
}

// synb0Project is a target with Synb0-DISCO and the components it needs, of
// which a test builds synb0 alone.
func synb0Project(t *testing.T, s *upstream.Site, files map[string]string, more string) (dir, commit string) {
	t.Helper()
	repository := t.TempDir()
	noError(t, upstream.Write(repository, files))
	noError(t, upstream.Submodule(repository, "v1_0/src/python/pytorch-CycleGAN-and-pix2pix"))
	address, commit, err := s.Repository(synb0Path, repository)
	noError(t, err)
	none := strings.Repeat("0", 64)
	dir = project(t, components(
		"freesurfer", fmt.Sprintf("version = \"6.0.0\"\nsource = { url = \"http://127.0.0.1:1/f.tar.gz\", sha256 = %q }\n", none),
		"fsl", "version = \"6.0.7.18\"\nlock = \"fsl.tsv\"\naccept_licence = true\n",
		"ants", fmt.Sprintf("version = \"2.5.4\"\nsource = { url = \"http://127.0.0.1:1/a.zip\", sha256 = %q }\n", none),
		"c3d", fmt.Sprintf("version = \"1.0.0\"\nsource = { url = \"http://127.0.0.1:1/c.tar.gz\", sha256 = %q }\n", none),
		"python", "version = \"3.13\"\nrequirements = \"requirements.txt\"\n",
		"synb0", fmt.Sprintf("version = %q\nsource = { git = %q, commit = %q }\n%s\n", commit, address, commit, more)))
	writeFile(t, filepath.Join(dir, "fsl.tsv"), "")
	requirements := ""
	for _, p := range []string{"nibabel", "numpy", "scipy", "torch", "torchvision"} {
		requirements += p + "==1 --hash=sha256:" + none + "\n"
	}
	writeFile(t, filepath.Join(dir, "requirements.txt"), requirements)
	return dir, commit
}

func TestSynb0(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an engine; run without -short")
	}
	sharedEngine(t)
	dir, commit := synb0Project(t, site(t), upstream.Synb0(), `prefix = "/home/jovyan/synb0-disco"`)
	layout := layoutOf(t, dir, "synb0")
	tree := below(t, layout, "home/jovyan/synb0-disco")
	for _, want := range []string{`device = torch.device("cpu")`, "torch.load(model_path, map_location=device)"} {
		if !strings.Contains(tree["src/inference.py"].content, want) {
			t.Errorf("inference.py lacks %q", want)
		}
	}
	got := inside(t, dir, "synb0", `
grep SYNB0 /VERSION_MANIFEST.txt
stat -c '%a %n' /home/jovyan/synb0-disco/OUTPUTS
command -v synb0-disco normalize_T1.sh
if synb0-disco 2>&1; then exit 1; fi`)
	want := "SYNB0_DISCO_VERSION=" + commit + "\n777 /home/jovyan/synb0-disco/OUTPUTS\n/home/jovyan/synb0-disco/bin/synb0-disco\n" +
		"/home/jovyan/synb0-disco/bin/normalize_T1.sh\nsynb0-disco: there is no /home/jovyan/synb0-disco/INPUTS/b0.nii.gz\n"
	if got != want {
		t.Errorf("inside:\n%s\nwant:\n%s", got, want)
	}
	t.Run("changed upstream", func(t *testing.T) {
		files := upstream.Synb0()
		files["src/inference.py"] = strings.Replace(files["src/inference.py"], `torch.device("cuda")`, `torch.device("cuda:0")`, 1)
		bad, _ := synb0Project(t, site(t), files, "")
		r := finish(t, in(bad, medbuildCmd(t, "build", "--progress", "plain", "--target", "synb0")))
		r.failed(t, 1, "synb0: step [synb0] copy and patch failed", `src/inference.py has 0 lines with device = torch.device("cuda"), want one`, "components.toml:29:13")
	})
}

// inferenceScript makes weights as a GPU saves them, and runs the inference on
// a small volume; 13x11x13 is padded to 16x16x16 by the real one.
const inferenceScript = `
cd /tmp
/usr/bin/python3 - <<'END'
import sys
sys.path.insert(0, '/opt/synb0-disco/src')
import nibabel, numpy, torch
from model import UNet3D

torch.manual_seed(1)
torch.serialization.location_tag = lambda storage: 'cuda:0'
torch.save(UNet3D(2, 1).state_dict(), '/tmp/weights.pth')
try:
    torch.load('/tmp/weights.pth')
    sys.exit('weights of a GPU were loaded without the patch')
except RuntimeError as e:
    assert 'CUDA' in str(e), e
rng = numpy.random.default_rng(1)
for name in 'T1', 'b0':
    data = (rng.random((13, 11, 13)) * 150).astype('float32')
    nibabel.save(nibabel.Nifti1Image(data, numpy.diag([2.5, 2.5, 2.5, 1])), name + '.nii.gz')
END
/usr/bin/python3 /opt/synb0-disco/src/inference.py T1.nii.gz b0.nii.gz made.nii.gz weights.pth >/dev/null
/usr/bin/python3 -c "
import nibabel, numpy
made = nibabel.load('made.nii.gz')
data = made.get_fdata()
print(data.shape[:3], bool(numpy.isfinite(data).all()), bool(data.std() > 0), float(made.affine[0, 0]))"
`

// synb0Files is the stand-in's repository. With MEDBUILD_TEST_SYNB0, the folder of
// a checkout of Synb0-DISCO, its own network is in it.
func synb0Files(t *testing.T) map[string]string {
	t.Helper()
	files := upstream.Synb0()
	if own := os.Getenv("MEDBUILD_TEST_SYNB0"); own != "" {
		for _, f := range []string{"src/inference.py", "src/model.py", "src/util.py"} {
			files[f] = readFile(t, filepath.Join(own, f))
		}
	}
	return files
}

// sctProject is SCT with an owner at run time.
func sctProject(t *testing.T, s *upstream.Site) (dir, target string) {
	t.Helper()
	repository := t.TempDir()
	noError(t, upstream.Write(repository, upstream.SCT("7.2")))
	address, commit, err := s.Repository(sctPath, repository)
	noError(t, err)
	miniforge, sum := s.Put(miniforgePath, []byte(upstream.Miniforge))
	return project(t, components("sct", fmt.Sprintf("version = \"7.2\"\nprefix = \"/opt/medimproc/sct\"\nowner = \"1000:100\"\n"+
		"source = { git = %q, commit = %q }\nminiforge = { url = %q, sha256 = %q }\n", address, commit, miniforge, sum))), "all"
}

func TestSCT(t *testing.T) {
	if testing.Short() {
		t.Skip("installs a compiler; run without -short")
	}
	sharedEngine(t)
	dir, target := sctProject(t, site(t))
	layout := layoutOf(t, dir, target)
	tree := below(t, layout, "opt/medimproc/sct")
	for _, f := range []string{"bin/sct_version", "data/PAM50/PAM50_t2.nii.gz", "python/envs/venv_sct/bin/python", "install_sct"} {
		if e, ok := tree[f]; !ok || e.Uid != 1000 || e.Gid != 100 {
			t.Errorf("%s is missing or not the run-time user's: %+v", f, e.Header)
		}
	}
	if got := tree["bin/sct_version"].content; !strings.HasPrefix(got, "#!/opt/medimproc/sct/python/envs/venv_sct/bin/python\n") {
		t.Errorf("sct_version begins with %.60q", got)
	}
	got := inside(t, dir, "all", "sct_version; echo $SCT_DIR; grep SCT /VERSION_MANIFEST.txt; su -s /bin/sh nobody -c 'sct_version' >/dev/null || :")
	if want := "7.2\n/opt/medimproc/sct\nSCT_VERSION=7.2\n"; got != want {
		t.Errorf("inside: %q, want %q", got, want)
	}
}
