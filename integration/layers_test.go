package integration

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/image"
	"github.com/medbuild/medbuild/stages"
)

// forbidden is what no component may bring into a layer: repositories, static
// libraries, what package managers keep for themselves, packages, what steps
// have beside what they make. bin/pkgs and the like are names of programs.
var forbidden = regexp.MustCompile(`(^|/)(\.git|\.svn|\.cache|\.npm|v1_0|uv-cache|\.license)(/|$)` +
	`|(^|/)pkgs/|\.(a|deb|whl|conda|tar\.bz2)$` +
	`|^var/lib/apt/lists/[^/]+|^var/cache/apt/.|^root/.|^run/medbuild|^tmp/.`)

// layersCase is a project made of stand-ins. Its sources have what is not to be
// seen: planted says what, pruned is where what the component leaves out would lie.
type layersCase struct {
	project func(*testing.T, *upstream.Site) (dir, target string)
	has     string // a file of the component: the walk has come by
	pruned  string // regular expression
}

func layersCases() map[string]layersCase {
	freesurfer := func(more string) func(*testing.T, *upstream.Site) (string, string) {
		return func(t *testing.T, s *upstream.Site) (string, string) {
			return kit.Project(t, kit.Components("freesurfer", standins.FreeSurfer(t, s, upstream.FreeSurfer(standins.FreeSurferStamp), more))), "all"
		}
	}
	return map[string]layersCase{
		"freesurfer full":      {freesurfer(`profile = "full"`), "opt/freesurfer/subjects/bert/mri/orig.mgz", `/bert/license`},
		"freesurfer recon-all": {freesurfer(`profile = "recon-all"`), "opt/freesurfer/bin/recon-all", `freesurfer/(trctrain|fsfast|matlab|diffusion|tktools|lib/(qt|cuda|vtk)|subjects/(bert|cvs_avg35|V1)|bin/(freeview|qdec|.*_cuda|.*_gui))`},
		"freesurfer synb0":     {freesurfer(`profile = "synb0"`), "opt/freesurfer/bin/mri_nu_correct.mni", `freesurfer/(trctrain|fsfast|matlab|lib|average|bin/recon-all|subjects/(bert|cvs))`},
		"freesurfer image":     {freesurferFromImage, "opt/freesurfer7/bin/recon-all", `^opt/freesurfer7/(trctrain|fsfast|matlab)|^usr/local/freesurfer`},
		"fsl":                  {fslProject, "opt/fsl/bin/bet", `^opt/fsl/(doc|data/standard/other)`},
		"ants conda":           {condaANTsProject, "opt/ants/bin/antsRegistration", `^opt/conda`},
		"conda":                {condaProject, "opt/niimath/bin/niimath", `^opt/conda`},
		"mrtrix3 and ants": {func(t *testing.T, _ *upstream.Site) (string, string) { return bothTools(t), "all" }, "opt/mrtrix3/bin/mrinfo",
			`/configure$|^usr/bin/(.*-)?(gcc|g\+\+|make)`},
		"generic stages": {genericProject, "opt/tool/share/bin/tool", `tool_gui|c3d_gui|^opt/zipped/lib|/main\.[co]$|it's|^usr/bin/(cmake|g\+\+|gcc|make|unzip)`},
		"python":         {pythonProject, "opt/python/bin/python", `^opt/python/.*\.(gz|tar)$`},
		"synb0": {func(t *testing.T, s *upstream.Site) (string, string) {
			dir, _ := synb0Project(t, s, upstream.Synb0(), "")
			return dir, "synb0"
		}, "opt/synb0-disco/src/inference.py", `synb0-disco/v1_0`},
		"sct": {sctProject, "opt/medimproc/sct/bin/sct_version", `sct/(documentation|\.github|install_sct_log)|\.condarc|^usr/bin/(gcc|wget)`},
	}
}

// TestLayersAreClean walks every layer of every component, also for what a later
// one hides: it would be in the image all the same.
func TestLayersAreClean(t *testing.T) {
	if testing.Short() {
		t.Skip("builds every stage on an engine; run without -short")
	}
	kit.SharedEngine(t)
	made := map[string]bool{}
	for name, tt := range layersCases() {
		t.Run(name, func(t *testing.T) {
			dir, target := tt.project(t, kit.Site(t))
			nothingUnwanted(t, kit.LayoutOf(t, dir, target), tt.has, tt.pruned)
			for _, stage := range stagesIn(t, dir, target) {
				made[stage] = true
			}
		})
	}
	for _, k := range stages.All() {
		if !made[k.Name] {
			t.Errorf("stage %s is not built: add it", k.Name)
		}
	}
}

// stagesIn is the stages of a target's components, or of the component target.
func stagesIn(t *testing.T, dir, target string) []string {
	t.Helper()
	file := kit.Must(config.Load(filepath.Join(dir, "components.toml"), nil, kit.Path(".")))(t)
	names := []string{target}
	if all, ok := file.Target(target); ok {
		names = all.Components
	}
	var out []string
	for _, name := range names {
		c, _ := file.Component(name)
		out = append(out, c.Shared().Stage)
	}
	return out
}

// nothingUnwanted walks all layers above the base's for what no component may
// bring along and for what was pruned. The file has is among what it sees.
func nothingUnwanted(t *testing.T, layout, has string, pruned string) {
	t.Helper()
	left := regexp.MustCompile(pruned)
	seen, there := map[int]int{}, false
	img := kit.OpenLayout(t, layout)
	kit.NoError(t, image.Walk(img, func(e image.Entry) error {
		seen[e.Layer]++
		if e.Layer == 0 { // the base's one
			return nil
		}
		there = there || e.Name == has
		hidden := strings.HasPrefix(path.Base(e.Name), ".wh.")
		shown := path.Join(path.Dir(e.Name), strings.TrimPrefix(path.Base(e.Name), ".wh."))
		if name := unwantedName(e, shown, left); name != "" && !e.FileInfo().IsDir() {
			t.Errorf("in layer %d (hidden: %v): %s", e.Layer, hidden, name)
		}
		content, err := io.ReadAll(e.Content)
		if bytes.Contains(content, []byte(upstream.Registered)) {
			t.Errorf("in layer %d: %s holds a licence", e.Layer, e.Name)
		}
		return err
	}))
	if layers := len(kit.Must(img.Layers())(t)); len(seen) != layers || !there {
		t.Errorf("%d of %d layers have files, %s was seen: %v", len(seen), layers, has, there)
	}
}

// unwantedName is the entry's name if it is not to be there.
func unwantedName(e image.Entry, name string, pruned *regexp.Regexp) string {
	if name == "root/.bashrc" { // a file of the base's that the project adds to
		return ""
	}
	if forbidden.MatchString(name) || pruned.MatchString(name) || path.Base(name) == "license.txt" && e.FileInfo().Mode().IsRegular() {
		return name
	}
	return ""
}

// The walk finds what is there: the pattern is no pattern of nothing.
func TestForbidden(t *testing.T) {
	for name, want := range map[string]bool{
		"opt/x/.git/config": true, "opt/x/.gitignore": false, "opt/x/lib/libx.a": true, "opt/x/lib/a.so": false, "opt/fsl/pkgs/x/info": true,
		"opt/x/bin/pkgs": false, "root/.cache/uv/x": true, "var/lib/apt/lists/lock": true, "var/lib/apt/lists": false, "var/cache/apt/pkgcache.bin": true,
		"opt/x/y-1.0-0.conda": true, "opt/x/conda-meta/y.json": false, "opt/x/z.whl": true, "tmp/x": true, "tmp": false, "run/medbuild/src": true,
		"opt/freesurfer/.license": true, "opt/freesurfer/docs/license.freesurfer.txt": false,
	} {
		if forbidden.MatchString(name) != want {
			t.Errorf("%s: want %v", name, want)
		}
	}
}

// fslProject is FSL of the stand-ins, without its documents and most standards.
func fslProject(t *testing.T, s *upstream.Site) (dir, target string) {
	t.Helper()
	dir = kit.Project(t, kit.Components("fsl", standins.FSLTable(`prune = ["doc", "data/standard/*"]`+"\n"+`keep = ["data/standard/MNI152*"]`)))
	kit.WriteFile(t, filepath.Join(dir, "fsl.conda.tsv"), standins.FSL(t, s))
	return dir, "all"
}

// condaProject is a tool of a conda package, which needs a table and no Go.
func condaProject(t *testing.T, s *upstream.Site) (dir, target string) {
	t.Helper()
	lock := kit.Must(s.Conda(standins.ForgeChannel, upstream.CondaPackage{Name: "niimath", Version: "1.0.20250804", Build: "h1_0", Subdir: "linux-64", Licence: "BSD-2-Clause",
		Files: map[string]string{"bin/niimath": "#!/bin/sh\necho niimath v1.0.20250804\n", "bin/python": "#!/bin/sh\n"}}))(t)
	dir = kit.Project(t, kit.Components("niimath", `stage = "conda"
version = "1.0.20250804"
prefix = "/opt/niimath"
lock = "niimath.conda.tsv"
commands = ["niimath"]
licence = "BSD-2-Clause"
version_command = "niimath"
smoke = ["! command -v python"]
`))
	kit.WriteFile(t, filepath.Join(dir, "niimath.conda.tsv"), lock)
	return dir, "all"
}

// condaANTsProject is ANTs from conda packages, one of them with programs that
// are not ANTs'.
func condaANTsProject(t *testing.T, s *upstream.Site) (dir, target string) {
	t.Helper()
	lock := ""
	for _, p := range []upstream.CondaPackage{
		{Name: "ants", Version: "2.5.4", Build: "h1_0", Subdir: "linux-64", Licence: "Apache-2.0", Depends: []string{"libitk"},
			Files: standins.ANTsFiles("", map[string]string{"share/ants/README": "ANTs\n", "lib/libants.a": "!<arch>\n"})},
		{Name: "libitk", Version: "5.4.3", Build: "h1_0", Subdir: "linux-64", Files: map[string]string{"bin/itkTestDriver": "#!/bin/sh\n"}},
	} {
		lock += kit.Must(s.Conda(standins.ForgeChannel, p))(t)
	}
	dir = kit.Project(t, kit.Components("ants", "version = \"2.5.4\"\nlock = \"ants.conda.tsv\"\n"))
	kit.WriteFile(t, filepath.Join(dir, "ants.conda.tsv"), lock)
	return dir, "all"
}

// freesurferFromImage is FreeSurfer copied from an image in a registry.
func freesurferFromImage(t *testing.T, _ *upstream.Site) (dir, target string) {
	t.Helper()
	at := map[string]string{}
	for file, content := range upstream.FreeSurfer("freesurfer-linux-ubuntu22_x86_64-7.4.1-20230614-7eb8460") {
		at["usr/local/"+file] = content
	}
	reference := kit.Pushed(t, "freesurfer/freesurfer:7.4.1", at)
	return kit.Project(t, kit.Components("freesurfer7", fmt.Sprintf("stage = \"freesurfer\"\nversion = \"7.4.1\"\nprefix = \"/opt/freesurfer7\"\nprofile = \"recon-all\"\n"+
		"licence = \"/home/user/license.txt\"\nsource = { image = %q, path = \"/usr/local/freesurfer\" }\n", reference))), "all"
}
