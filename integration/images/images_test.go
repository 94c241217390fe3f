//go:build linux

package images

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/internal/image"
)

// The names that the service's images have on the platform.
var imageNames = map[string]string{
	"production":  "simcore/services/dynamic/jupyter-medimproc:1.5.0",
	"runner":      "simcore/services/comp/runner-medimproc:1.5.0",
	"runner-slim": "simcore/services/comp/runner-medimproc-slim:1.5.0",
}

// TestImages builds the service's three images in one run from the repository's
// own components.toml, and uses them as the platform and its users do.
func TestImages(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the service's images, some gigabytes; run without -short")
	}
	kit.EmptyEngine(t) // one that goes with the test: it needs some gigabytes
	dir := theService(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1788000000")
	args := []string{"build", "--progress", "plain", "--output", "type=oci,tar=false,dest=out/{target}"}
	for _, target := range kit.SortedKeys(imageNames) {
		args = append(args, "--target", target)
	}
	r := kit.Finish(t, kit.In(dir, kit.Command(t, args...))).OK(t)
	layouts := func(target string) string { return filepath.Join(dir, "out", target) }
	t.Run("summary", func(t *testing.T) {
		for _, name := range imageNames {
			if !strings.Contains(r.Stdout, name+"@sha256:") {
				t.Errorf("no %s in %q", name, r.Stdout)
			}
		}
	})
	t.Run("configuration", func(t *testing.T) {
		for target := range imageNames {
			checkImageConfig(t, target, kit.Must(kit.OpenLayout(t, layouts(target)).ConfigFile())(t).Config)
		}
	})
	t.Run("layers", func(t *testing.T) { checkImageLayers(t, layouts) })
	t.Run("base", func(t *testing.T) { checkImageBase(t, layouts("production")) })
	d := kit.StartDocker(t, kit.DockerSetup{})
	for target, name := range imageNames {
		loadLayout(t, d, layouts(target), name)
	}
	t.Run("lab", func(t *testing.T) { useLab(t, d) })
	t.Run("voila", func(t *testing.T) {
		s := startService(t, d, serviceSetup{Image: imageNames["production"], Voila: true, Workspace: map[string]string{"voila.ipynb": voilaNotebook}})
		if status, page := s.get(t, "/"); status != http.StatusOK || !strings.Contains(page, "sum 42") {
			t.Errorf("Voila answers %d: %s", status, kit.Last(20, page))
		}
	})
	t.Run("runner", func(t *testing.T) { useRunner(t, d, "runner") })
	t.Run("runner-slim", func(t *testing.T) { useRunner(t, d, "runner-slim") })
	t.Run("inference", func(t *testing.T) { useNetwork(t, d) })
}

// checkImageConfig wants what the platform starts each image with: no health
// check but the base's, which states none, and the limits of runtime.yml.
func checkImageConfig(t *testing.T, target string, got v1.Config) {
	t.Helper()
	entrypoint, cmd, ports := []string{"/docker/entrypoint.sh"}, []string{"/bin/bash"}, 0
	if target == "production" {
		entrypoint, cmd, ports = []string{"/bin/bash", "/docker/entrypoint.bash"}, nil, 1
	}
	if !slices.Equal(got.Entrypoint, entrypoint) || !slices.Equal(got.Cmd, cmd) || len(got.ExposedPorts) != ports ||
		got.User != "root" || got.WorkingDir != "/home/jovyan" || got.Healthcheck != nil || !slices.Contains(got.Env, "HOME=/home/jovyan") {
		t.Errorf("%s is configured %+v", target, got)
	}
	kind := map[bool]string{true: `{"type":"dynamic"}`, false: `{"type":"computational"}`}[target == "production"]
	for label, want := range map[string]string{
		"io.simcore.type": kind, "io.simcore.version": `{"version":"1.5.0"}`, "simcore.service.restart-policy": "no-restart",
	} {
		if got.Labels[label] != want {
			t.Errorf("%s has label %s %q, want %q", target, label, got.Labels[label], want)
		}
	}
	settings := got.Labels["simcore.service.settings"]
	for _, want := range []string{`"NanoCPUs":4000000000`, `"MemoryBytes":17179869184`, "node.platform.os==linux"} {
		if !strings.Contains(settings, want) {
			t.Errorf("%s has no %s in %s", target, want, settings)
		}
	}
	paths := got.Labels["simcore.service.paths-mapping"]
	if target != "production" && (paths != "" || strings.Contains(settings, "8888")) {
		t.Errorf("%s has a port or folders of a notebook: %s %s", target, settings, paths)
	}
	for _, want := range []string{"work/inputs", "work/outputs", "work/workspace", "8888"} {
		if target == "production" && !strings.Contains(paths+settings, want) {
			t.Errorf("%s has no %s in %s", target, want, paths+settings)
		}
	}
}

// marks is a file of each component that is only unpacked, and in how many
// layers the images have it.
var marks = map[string]int{"opt/fsl/etc/fslversion": 1, "opt/ants/bin/antsRegistration": 1, "opt/c3d/bin/c3d": 1, "opt/art/bin/acpcdetect": 1,
	"opt/synb0-disco/COMMIT": 1, "opt/freesurfer/build-stamp.txt": 2, "opt/medimproc/sct/bin/sct_version": 2}

// checkImageLayers looks into the layers: what no image may have, how many
// there are, and that what is only unpacked is the same in all images.
func checkImageLayers(t *testing.T, layout func(string) string) {
	t.Helper()
	seen, shared := marked{}, map[string][]string{}
	for target := range imageNames {
		layers := kit.Must(kit.OpenLayout(t, layout(target)).Layers())(t)
		if len(layers) >= 50 {
			t.Errorf("%s has %d layers", target, len(layers))
		}
		for _, l := range layers {
			for _, place := range seen.in(t, l) {
				shared[place] = append(shared[place], kit.Must(l.DiffID())(t).String())
			}
		}
	}
	for place, want := range marks {
		all := slices.Compact(slices.Sorted(slices.Values(shared[place])))
		if images := len(shared[place]); len(all) != want || images != 3 && !strings.Contains(place, "sct") || images != 2 && strings.Contains(place, "sct") {
			t.Errorf("%d images have %s in layers %q, want %d", images, place, all, want)
		}
	}
}

// marked is the marks in a layer, by its digest: what several images share is
// read once.
type marked map[v1.Hash][]string

// in reads the layer, in which there must be nothing of building.
func (m marked) in(t *testing.T, l v1.Layer) []string {
	t.Helper()
	digest := kit.Must(l.Digest())(t)
	if found, ok := m[digest]; ok {
		return found
	}
	m[digest] = nil
	alone := kit.Must(mutate.AppendLayers(empty.Image, l))(t)
	kit.NoError(t, image.Walk(alone, func(e image.Entry) error {
		if unwanted.MatchString(e.Name) || strings.HasSuffix(e.Name, "/license.txt") && e.FileInfo().Mode().IsRegular() && strings.HasPrefix(e.Name, "opt/freesurfer") {
			t.Errorf("in layer %s: %s", digest, e.Name)
		}
		if marks[e.Name] > 0 {
			m[digest] = append(m[digest], e.Name)
		}
		return nil
	}))
	return m[digest]
}

// unwanted is what building leaves where nothing takes it away.
var unwanted = regexp.MustCompile(`^opt/(.*/)?(\.git|pkgs|v1_0)(/|$)|^opt/.*\.a$|(^|/)\.license$|^root/\.cache|\.cache/(uv|pip)/`)

// replaced is the base's files that the notebook service has its own in place of.
var replaced = []string{"/home/jovyan/work/README.ipynb", "/home/jovyan/.local/share/jupyter/kernels/python-maths/kernel.json"}

// bashrc gets lines of the service's behind the base's.
const bashrc = "/home/jovyan/.bashrc"

// added is where lines are added: the service's, a system group, a shell.
var added = []string{bashrc, "/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-", "/etc/shells", "/var/lib/shells.state"}

// checkImageBase compares the base entry by entry.
func checkImageBase(t *testing.T, layout string) {
	t.Helper()
	base := kit.FilesOf(t, kit.OpenLayout(t, jupyterBase(t)))
	have := kit.FilesOf(t, kit.OpenLayout(t, layout))
	have.Keeps(t, base, func(p string) bool {
		return kit.ByPackages(p) || slices.Contains(replaced, p) || slices.Contains(added, p)
	})
	ours := int64(len(kit.ReadFile(t, kit.Path("service/jupyter/bashrc"))))
	if was, is := base[bashrc].Size, have[bashrc].Size; is != was+ours {
		t.Errorf("%s has %d bytes, in the base %d, and the service adds %d", bashrc, is, was, ours)
	}
	for _, p := range added {
		if base[p] != nil && (have[p].Mode != base[p].Mode || have[p].UID != base[p].UID || have[p].GID != base[p].GID || have[p].Size < base[p].Size) {
			t.Errorf("%s is %+v, in the base %+v", p, have[p], base[p])
		}
	}
	for _, p := range replaced {
		if have[p] == nil || base[p] == nil || have[p].Sum == base[p].Sum || have[p].UID != 1000 || have[p].GID != 100 {
			t.Errorf("%s is not the service's own: %+v", p, have[p])
		}
	}
}

// programs is one of each component, called as notebooks and scripts do.
const programs = `mrinfo --version
recon-all -version
flirt -in x
antsRegistration --version
c3d -version
acpcdetect -version
sct_version
synb0-disco --help
fslinfo x`

func useLab(t *testing.T, d *kit.Docker) {
	t.Helper()
	s := startService(t, d, serviceSetup{Image: imageNames["production"]})
	checkKernels(t, s, "python (Medical Image Processing)")
	if _, err := os.Stat(filepath.Join(s.dir, "workspace/README.ipynb")); err != nil {
		t.Error(err)
	}
	out := s.runNotebook(t, "import sys, os, pandas, sklearn, torch, nibabel, pyvista\nprint(sys.executable, os.getuid(), os.getgid())",
		"float((torch.ones(2, 3) @ torch.ones(3, 2)).sum()), nibabel.__version__, int(pandas.Series([20, 22]).sum())",
		"import shutil\n!command -v python\nfor line in '''"+programs+"'''.splitlines():\n    print(subprocess.run(line, shell=True, capture_output=True, text=True).stdout) if (subprocess := __import__('subprocess')) else None")
	if out[0] != "/opt/python/bin/python 1000 100\n" || out[1] != "(12.0, '5.3.2', 42)\n" || !strings.HasPrefix(out[2], "/opt/python/bin/python") {
		t.Errorf("the notebook printed %q", out)
	}
	saidByAll(t, out[2])
	saidByAll(t, s.login(t, programs+" || :").OK(t).Stdout)
	if out := s.terminal(t, "command -v python mrinfo"); !strings.Contains(out, "/opt/python/bin/python\r\n/opt/mrtrix3/bin/mrinfo\r\n") {
		t.Errorf("a terminal says %q", out)
	}
	checkPip(t, s)
	claimsHold(t, append(homeClaims(), productionClaims()...), func(t *testing.T, script string) string {
		return s.exec(t, "bash", "-c", script).OK(t).Stdout
	})
	checkLicence(t, s)
	s.exec(t, "/home/jovyan/.venv/bin/jupyter", "execute", "--inplace", workFolder+"/workspace/README.ipynb").OK(t)
}

// saidByAll wants an answer of each component's program.
func saidByAll(t *testing.T, text string) {
	t.Helper()
	for _, want := range []string{"== mrinfo 3.0", standins.FreeSurferStamp, "of /opt/fsl with", "ANTs Version: 2.4.4", "Version 1.0.0", "acpcdetect v2.0", "7.2\n", "usage: synb0-disco"} {
		if !strings.Contains(strings.ReplaceAll(text, "\r", ""), want) {
			t.Errorf("no program says %q: %s", want, text)
		}
	}
}

// checkLicence puts FreeSurfer's licence where users are told to.
func checkLicence(t *testing.T, s *service) {
	t.Helper()
	at := filepath.Join(s.dir, "workspace/license.txt")
	kit.WriteFile(t, at, "somebody@example.org\n1\n")
	kit.NoError(t, os.Chown(at, 1000, platformID))
	if out := s.exec(t, "sh", "-c", "head -n 1 $FREESURFER_HOME/license.txt; fs-license && echo there").OK(t).Stdout; out != "somebody@example.org\nthere\n" {
		t.Errorf("with a licence in the workspace: %q", out)
	}
}

// useRunner runs commands in the headless service, with folders of users that
// the image does not know.
func useRunner(t *testing.T, d *kit.Docker, target string) {
	t.Helper()
	claims := append(homeClaims(), runnerClaims()...)
	if target == "runner" {
		claims = append(claims, claim{say: "stat -c %U:%G $SCT_DIR; touch $SCT_DIR/x && sct_version", want: "scu:scu\n7.2"},
			claim{say: "ls -d $FSFAST_HOME", want: "/opt/freesurfer/fsfast"})
	} else {
		claims = append(claims, claim{say: "echo ${SCT_DIR-none}; ls -d /opt/medimproc 2>/dev/null", want: "none"},
			claim{say: "echo ${FSFAST_HOME-none}", want: "none", changed: "in slim not set"})
	}
	claimsHold(t, claims, func(t *testing.T, script string) string {
		r := headless(t, d, target, "4321:1234", "bash", "-c", script)
		return r.OK(t).Stdout
	})
	r := headless(t, d, target, "4321:1234", "sh", "-c", "id -G; echo a >/output/b; stat -c %u /output/b; exit 7")
	if r.Code != 7 || r.Stdout != "8004 1234\n8004\n" {
		t.Errorf("a command ends with %d and says %q: %s", r.Code, r.Stdout, r.Stderr)
	}
	if r := headless(t, d, target, "4321:1234", "printf", "%s.", "a  b", "c; d"); r.OK(t).Stdout != "a  b.c; d." {
		t.Errorf("a command's words come as %q", r.Stdout)
	}
	if r := headless(t, d, target, "0:0", "id", "-G"); r.OK(t).Stdout != "8004 0\n" {
		t.Errorf("with root's folders the groups are %q", r.Stdout)
	}
	if r := headless(t, d, target, "", "true"); r.Code != 1 || !strings.Contains(r.Stderr, "/input is not mounted\nhint: ") {
		t.Errorf("without folders it ends with %d: %s", r.Code, r.Stderr)
	}
}

// headless runs a command in a headless service, with input and output folders
// of an owner; "" mounts none.
func headless(t *testing.T, d *kit.Docker, target, owner string, command ...string) kit.Result {
	t.Helper()
	args := []string{"run", "--rm", "--network", "none"}
	if owner != "" {
		dir := kit.Must(os.MkdirTemp(d.Dir, "runner"))(t)
		for _, name := range []string{"input", "output"} {
			folder := filepath.Join(dir, name)
			kit.NoError(t, os.Mkdir(folder, 0o755))
			kit.NoError(t, os.Chmod(folder, 0o775))
			kit.Tool(t, dir, "chown", owner, name)
			args = append(args, "--volume", "/run/host/"+filepath.Base(dir)+"/"+name+":/"+name)
		}
	}
	return kit.Finish(t, d.Client(append(append(args, imageNames[target]), command...)...))
}

// useNetwork runs the patched inference of Synb0-DISCO itself with PyTorch, as
// the service's user, with random weights.
func useNetwork(t *testing.T, d *kit.Docker) {
	t.Helper()
	script := strings.ReplaceAll(standins.InferenceScript, "/usr/bin/python3", "/opt/python/bin/python")
	r := kit.Finish(t, d.Client("run", "--rm", "--network", "none", "--user", "1000:100", "--entrypoint", "bash", imageNames["production"], "-euc", script))
	if want := "(13, 11, 13) True True 2.5\n"; r.OK(t).Stdout != want {
		t.Errorf("the inference gives %q, want %q", r.Stdout, want)
	}
}
