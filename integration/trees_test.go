package integration

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
	"github.com/medbuild/medbuild/internal/image"
)

func TestFreeSurfer(t *testing.T) {
	if testing.Short() {
		t.Skip("installs tcsh and Perl; run without -short")
	}
	kit.SharedEngine(t)
	s := kit.Site(t)
	files := upstream.FreeSurfer(standins.FreeSurferStamp)
	dir := kit.Project(t, kit.Components("freesurfer", standins.FreeSurfer(t, s, files, `profile = "recon-all"`)))
	layout := kit.LayoutOf(t, dir, "all")

	t.Run("layers", func(t *testing.T) {
		tree := kit.Below(t, layout, "opt/freesurfer")
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
		small := kit.Project(t, kit.Components("freesurfer", standins.FreeSurfer(t, s, files, "profile = \"synb0\"\nkeep = [\"bin/mri_surf2surf\"]")))
		tree := kit.Below(t, kit.LayoutOf(t, small, "all"), "opt/freesurfer")
		for name, want := range map[string]bool{"bin/mri_nu_correct.mni": true, "bin/mri_surf2surf": true, "bin/recon-all": false, "subjects/fsaverage/surf/lh.white": true} {
			if _, got := tree[name]; got != want {
				t.Errorf("%s: there: %v, want %v", name, got, want)
			}
		}
	})
	t.Run("licence under another name", func(t *testing.T) {
		files["freesurfer/docs/site-registration"] = upstream.Registered
		bad := kit.Project(t, kit.Components("freesurfer", standins.FreeSurfer(t, s, files, `profile = "full"`)))
		kit.Built(t, bad).Failed(t, 1, "freesurfer: step [freesurfer] unpack failed", "docs/site-registration looks like a FreeSurfer licence", "components.toml:8:13")
	})
}

// checkNotices looks for the licences in the image: as a file and as labels.
func checkNotices(t *testing.T, layout string) {
	t.Helper()
	config := kit.Must(kit.OpenLayout(t, layout).ConfigFile())(t).Config
	if got := config.Labels["io.github.medbuild.non-commercial"]; got != "freesurfer" {
		t.Errorf("the label names %q", got)
	}
	if got := config.Labels["org.opencontainers.image.licenses"]; got != "LicenseRef-FreeSurfer" {
		t.Errorf("licences are %q", got)
	}
	var text []byte
	kit.NoError(t, image.Walk(kit.OpenLayout(t, layout), func(e image.Entry) error {
		if e.Name != "THIRD_PARTY_NOTICES" {
			return nil
		}
		var err error
		text, err = io.ReadAll(e.Content)
		return err
	}))
	for _, want := range []string{"# For non-commercial use only\n\nfreesurfer\n", "Licence: LicenseRef-FreeSurfer\n", standins.FreeSurferPath + " sha256:"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the notices:\n%s", want, text)
		}
	}
}

func checkFreeSurferInside(t *testing.T, dir string) {
	t.Helper()
	got := kit.Inside(t, dir, "all", `
grep FREESURFER /VERSION_MANIFEST.txt
recon-all -version
nu_correct a b
! test -e $FREESURFER_HOME/license.txt
if fs-license 2>/tmp/said; then exit 1; fi
grep -c 'no FreeSurfer licence at /run/freesurfer/license.txt' /tmp/said
FS_LICENSE_CONTENT='nobody@example.org
1' fs-license sh -c 'stat -c "%a %U" $FS_LICENSE; head -n 1 $FREESURFER_HOME/license.txt; env | grep -c CONTENT || :'`)
	want := "FREESURFER_VERSION=6.0.0\n" + standins.FreeSurferStamp + "\nnu_correct a b\n1\n600 root\nnobody@example.org\n0\n"
	if got != want {
		t.Errorf("inside:\n%s\nwant:\n%s", got, want)
	}
}

func checkFreeSurferImage(t *testing.T) {
	dir, target := freesurferFromImage(t, nil)
	layout := kit.LayoutOf(t, dir, target)
	if got := kit.Below(t, layout, "opt/freesurfer7")["license.txt"].Linkname; got != "/home/user/license.txt" {
		t.Errorf("license.txt leads to %q", got)
	}
	if got := kit.Inside(t, dir, "all", "recon-all -version; grep FREESURFER /VERSION_MANIFEST.txt"); !strings.Contains(got, "FREESURFER_VERSION=7.4.1\n") {
		t.Errorf("inside: %s", got)
	}
}

// synb0Project is a target with Synb0-DISCO and the components it needs, of
// which a test builds synb0 alone.
func synb0Project(t *testing.T, s *upstream.Site, files map[string]string, more string) (dir, commit string) {
	t.Helper()
	repository := t.TempDir()
	kit.NoError(t, upstream.Write(repository, files))
	kit.NoError(t, upstream.Submodule(repository, "v1_0/src/python/pytorch-CycleGAN-and-pix2pix"))
	address, commit, err := s.Repository(standins.Synb0Path, repository)
	kit.NoError(t, err)
	none := strings.Repeat("0", 64)
	dir = kit.Project(t, kit.Components(
		"freesurfer", fmt.Sprintf("version = \"6.0.0\"\nsource = { url = \"http://127.0.0.1:1/f.tar.gz\", sha256 = %q }\n", none),
		"fsl", "version = \"6.0.7.18\"\nlock = \"fsl.tsv\"\naccept_licence = true\n",
		"ants", fmt.Sprintf("version = \"2.5.4\"\nsource = { url = \"http://127.0.0.1:1/a.zip\", sha256 = %q }\n", none),
		"c3d", fmt.Sprintf("version = \"1.0.0\"\nsource = { url = \"http://127.0.0.1:1/c.tar.gz\", sha256 = %q }\n", none),
		"python", "version = \"3.13\"\nrequirements = \"requirements.txt\"\n",
		"synb0", fmt.Sprintf("version = %q\nsource = { git = %q, commit = %q }\n%s\n", commit, address, commit, more)))
	kit.WriteFile(t, filepath.Join(dir, "fsl.tsv"), "")
	requirements := ""
	for _, p := range []string{"nibabel", "numpy", "scipy", "torch", "torchvision"} {
		requirements += p + "==1 --hash=sha256:" + none + "\n"
	}
	kit.WriteFile(t, filepath.Join(dir, "requirements.txt"), requirements)
	return dir, commit
}

func TestSynb0(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an engine; run without -short")
	}
	kit.SharedEngine(t)
	dir, commit := synb0Project(t, kit.Site(t), upstream.Synb0(), `prefix = "/home/jovyan/synb0-disco"`)
	layout := kit.LayoutOf(t, dir, "synb0")
	tree := kit.Below(t, layout, "home/jovyan/synb0-disco")
	for _, want := range []string{`device = torch.device("cpu")`, "torch.load(model_path, map_location=device)"} {
		if !strings.Contains(tree["src/inference.py"].Text, want) {
			t.Errorf("inference.py lacks %q", want)
		}
	}
	got := kit.Inside(t, dir, "synb0", `
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
		bad, _ := synb0Project(t, kit.Site(t), files, "")
		r := kit.Finish(t, kit.In(bad, kit.Command(t, "build", "--progress", "plain", "--target", "synb0")))
		r.Failed(t, 1, "synb0: step [synb0] copy and patch failed", `src/inference.py has 0 lines with device = torch.device("cuda"), want one`, "components.toml:29:13")
	})
}

// sctProject is SCT with an owner at run time.
func sctProject(t *testing.T, s *upstream.Site) (dir, target string) {
	t.Helper()
	repository := t.TempDir()
	kit.NoError(t, upstream.Write(repository, upstream.SCT("7.2")))
	address, commit, err := s.Repository(standins.SCTPath, repository)
	kit.NoError(t, err)
	miniforge, sum := s.Put(standins.MiniforgePath, []byte(upstream.Miniforge))
	return kit.Project(t, kit.Components("sct", fmt.Sprintf("version = \"7.2\"\nprefix = \"/opt/medimproc/sct\"\nowner = \"1000:100\"\n"+
		"source = { git = %q, commit = %q }\nminiforge = { url = %q, sha256 = %q }\n", address, commit, miniforge, sum))), "all"
}

func TestSCT(t *testing.T) {
	if testing.Short() {
		t.Skip("installs a compiler; run without -short")
	}
	kit.SharedEngine(t)
	dir, target := sctProject(t, kit.Site(t))
	layout := kit.LayoutOf(t, dir, target)
	tree := kit.Below(t, layout, "opt/medimproc/sct")
	for _, f := range []string{"bin/sct_version", "data/PAM50/PAM50_t2.nii.gz", "python/envs/venv_sct/bin/python", "install_sct"} {
		if e, ok := tree[f]; !ok || e.Uid != 1000 || e.Gid != 100 {
			t.Errorf("%s is missing or not the run-time user's: %+v", f, e.Header)
		}
	}
	if got := tree["bin/sct_version"].Text; !strings.HasPrefix(got, "#!/opt/medimproc/sct/python/envs/venv_sct/bin/python\n") {
		t.Errorf("sct_version begins with %.60q", got)
	}
	got := kit.Inside(t, dir, "all", "sct_version; echo $SCT_DIR; grep SCT /VERSION_MANIFEST.txt; su -s /bin/sh nobody -c 'sct_version' >/dev/null || :")
	if want := "7.2\n/opt/medimproc/sct\nSCT_VERSION=7.2\n"; got != want {
		t.Errorf("inside: %q, want %q", got, want)
	}
}
