package integration

import (
	"archive/tar"
	"crypto/sha256"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/internal/image"
)

// quickstart is the example of that name in a folder of its own.
type quickstart struct {
	source string // of MRtrix3; "" is the release's
	file   string
}

func newQuickstart(t *testing.T, source string) quickstart {
	t.Helper()
	return quickstart{source, quickstartFile(t, source)}
}

// quickstartFile is the quickstart's file on this test run's base, with more
// commands of MRtrix3 where some are named.
func quickstartFile(t *testing.T, source string, more ...string) string {
	t.Helper()
	text := kit.Example(t, "quickstart")
	for _, c := range more {
		text = strings.Replace(text, `"dwi2mask",`, `"dwi2mask", "`+c+`",`, 1)
	}
	if source != "" {
		text = regexp.MustCompile(`(?s)\[components.mrtrix3.source\].*?\n\n`).ReplaceAllString(text, source+"\n")
	}
	dir := kit.Project(t, text)
	kit.WriteFile(t, filepath.Join(dir, "requirements.txt"), kit.ReadFile(t, kit.Path("examples/quickstart/requirements.txt")))
	return filepath.Join(dir, "components.toml")
}

func (q quickstart) cmd(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return kit.Command(t, append([]string{"build", "--progress", "plain", "--file", q.file}, args...)...)
}

func (q quickstart) build(t *testing.T, args ...string) kit.Result {
	t.Helper()
	return kit.Finish(t, q.cmd(t, args...)).OK(t)
}

// folder is the path of a folder beside the file.
func (q quickstart) folder(name string) string { return filepath.Join(filepath.Dir(q.file), name) }

// production is the arguments that build the image as a layout in the folder.
func (q quickstart) production(out string) []string {
	return []string{"--target", "production", "--output", "type=oci,dest=" + q.folder(out) + ",tar=false"}
}

// TestQuickstart builds the quickstart's image as make quickstart does, and
// again, and with one change. ANTs and Python are the real ones; of MRtrix3 a
// stand-in is compiled, which takes no minutes.
func TestQuickstart(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages; run without -short")
	}
	q := newQuickstart(t, standins.MRtrix3Sources(t, kit.Site(t), "mrhistogram"))
	q.test(t)
}

// TestQuickstartCompiled is TestQuickstart with the real MRtrix3, which two
// engines compile, and the quickstart's own check inside.
func TestQuickstartCompiled(t *testing.T) {
	kit.Long(t, "compiles MRtrix3 twice")
	q := newQuickstart(t, "")
	q.test(t)
	t.Run("check inside", func(t *testing.T) { checkInside(t, q.file) })
}

func (q quickstart) test(t *testing.T) {
	kit.EmptyEngine(t)
	first := q.build(t, q.production("out")...)
	t.Run("image", func(t *testing.T) { checkImage(t, q.folder("out")) })
	t.Run("asked inside", func(t *testing.T) { checkAsked(t, q.file) })
	t.Run("again", func(t *testing.T) { checkAgain(t, q, first) })
	t.Run("as files", func(t *testing.T) {
		q.build(t, "--target", "production", "--output", "type=local,dest="+q.folder("files"))
		if got := kit.ReadFile(t, q.folder("files/VERSION_MANIFEST.txt")); !strings.Contains(got, "MRTRIX3_VERSION=3.0.4\n") {
			t.Errorf("the manifest is %q", got)
		}
		if n := strings.Count(string(kit.Must(exec.Command("find", q.folder("files")).Output())(t)), "\n"); n < 12000 {
			t.Errorf("%d files, want all of the image's", n)
		}
	})
	t.Run("ants alone", func(t *testing.T) {
		for _, step := range stepNames(q.build(t, "--target", "ants").Stderr) {
			if strings.HasPrefix(step, "[mrtrix3]") || strings.HasPrefix(step, "[python]") {
				t.Errorf("step of another component: %s", step)
			}
		}
	})
	t.Run("one more command", func(t *testing.T) {
		more := quickstart{file: quickstartFile(t, q.source, "mrhistogram")}
		checkOnlyMRtrix3(t, more.build(t, "--target", "production").Stderr)
	})
	t.Run("another engine", func(t *testing.T) { checkOtherEngine(t, q) })
}

// checkAgain wants a build that changes nothing to do nothing, and to take no
// time: the best of a few tries counts, for other tests may have the processors.
func checkAgain(t *testing.T, q quickstart, first kit.Result) {
	t.Helper()
	took, own := time.Hour, time.Hour
	for try := 0; try < 5 && (took > 2*time.Second || own > 300*time.Millisecond); try++ {
		cmd := q.cmd(t, q.production("out")...)
		started := time.Now()
		again := kit.Finish(t, cmd).OK(t)
		took, own = min(took, time.Since(started)), min(own, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		if ran := stepsRun(again.Stderr); len(ran) > 0 {
			t.Errorf("steps ran again: %q", ran)
		}
		if again.Stdout != first.Stdout {
			t.Errorf("another digest: %s, first %s", again.Stdout, first.Stdout)
		}
	}
	t.Logf("nothing changed: %v, medbuild's own share %v", took, own)
	if took > 2*time.Second || own > 300*time.Millisecond {
		t.Errorf("a build that changes nothing took %v, medbuild's own share was %v", took, own)
	}
}

// checkOtherEngine wants another engine to make the same layers.
func checkOtherEngine(t *testing.T, q quickstart) {
	t.Helper()
	kit.EmptyEngine(t)
	q.build(t, q.production("other")...)
	want, got := layersOf(t, q.folder("out")), layersOf(t, q.folder("other"))
	for _, layer := range []string{"base", "mrtrix3", "python", "manifest", "folders"} {
		if got[layer] != want[layer] || got[layer] == "" {
			t.Errorf("%s: layer %s on one engine, %s on another", layer, want[layer], got[layer])
		}
	}
	logDifferences(t, q.folder("out"), q.folder("other"))
}

// checkOnlyMRtrix3 wants mrtrix3 and what holds its answer to be all that ran,
// and ccache to have served all but the new command's objects.
func checkOnlyMRtrix3(t *testing.T, log string) {
	t.Helper()
	for _, step := range stepsRun(log) {
		if !strings.HasPrefix(step, "[mrtrix3]") && !strings.HasPrefix(step, "[manifest]") {
			t.Errorf("ran although nothing of it changed: %s", step)
		}
	}
	missed := regexp.MustCompile(`(?m)Misses:\s+(\d+) /`).FindStringSubmatch(log)
	if missed == nil || missed[1] != "1" {
		t.Errorf("ccache missed %q objects, want the new command's alone", missed)
	}
}

// versions is what the image says of its tools.
var versions = []string{"MRTRIX3_VERSION=3.0.4\n", "ANTS_VERSION=2.5.4\n", "NIBABEL_VERSION=", "PYTHON_VERSION=3.13", "== mrinfo 3.0.4 =="}

// checkInside runs the quickstart's check, as make quickstart does.
func checkInside(t *testing.T, file string) {
	t.Helper()
	r := kit.Medbuild(t, "run", "--file", file, "--target", "production", "--volume", kit.Path("examples/quickstart/check")+":/check:ro", "--", "/bin/sh", "/check/check.sh").OK(t)
	t.Log(r.Stdout)
	for _, want := range append(versions, "bias field: ") {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in\n%s", want, r.Stdout)
		}
	}
}

// checkAsked has the tools say their versions, without their calculating.
func checkAsked(t *testing.T, file string) {
	t.Helper()
	out := kit.Inside(t, filepath.Dir(file), "production", "cat /VERSION_MANIFEST.txt; mrinfo --version; N4BiasFieldCorrection --version; ! command -v antsRegistration; python -c 'import nibabel, numpy, scipy'")
	for _, want := range append(versions, "ANTs Version: 2.5.4") {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// checkImage walks the image for what must not be in it.
func checkImage(t *testing.T, layout string) {
	t.Helper()
	img := kit.OpenLayout(t, layout)
	if n := len(kit.Must(img.Layers())(t)); n >= 20 {
		t.Errorf("%d layers, want fewer than 20", n)
	}
	unwanted := regexp.MustCompile(`(^|/)bin/(c|g)\+\+|(^|/)bin/(gcc|cc|ccache|make)$|/cc1plus$|^var/lib/apt/lists/.*_Packages|\.orig\.tar|\.a$|\.deb$|/uv$|\.whl$`)
	seen := 0
	if err := image.Walk(img, func(e image.Entry) error {
		seen++
		if unwanted.MatchString(e.Name) {
			t.Errorf("in the image: %s", e.Name)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if seen < 5000 {
		t.Errorf("only %d entries seen: the walk is broken", seen)
	}
}

// stepNames are the names of the steps of a plain progress log.
func stepNames(log string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#\d+ (\[.*)$`).FindAllStringSubmatch(log, -1) {
		out = append(out, m[1])
	}
	return out
}

// stepsRun are the steps that had work to do: those with output of their own,
// or that took time. Merging and looking at sources is none.
func stepsRun(log string) []string {
	names := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^#(\d+) (\[.*)$`).FindAllStringSubmatch(log, -1) {
		names[m[1]] = m[2]
	}
	idle := regexp.MustCompile(`merge layers$|beside its base$|^\[internal\]|^\[base\] load |\] layer$|\] fetch `)
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#(\d+) DONE `).FindAllStringSubmatch(log, -1) {
		if name := names[m[1]]; name != "" && !idle.MatchString(name) {
			out = append(out, name)
		}
	}
	return out
}

// layersOf names the layers of an image by what lies in them.
func layersOf(t *testing.T, layout string) map[string]string {
	t.Helper()
	img := kit.OpenLayout(t, layout)
	names := map[int][]string{}
	if err := image.Walk(img, func(e image.Entry) error {
		names[e.Layer] = append(names[e.Layer], e.Name)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i, l := range kit.Must(img.Layers())(t) {
		out[layerName(names[i])] = kit.Must(l.Digest())(t).String()
	}
	return out
}

func layerName(names []string) string {
	for _, n := range names {
		for _, c := range []string{"mrtrix3", "python"} {
			if strings.HasPrefix(n, "opt/"+c+"/") {
				return c
			}
		}
		switch {
		case n == "VERSION_MANIFEST.txt":
			return "manifest"
		case n == "etc/os-release":
			return "base"
		case strings.HasPrefix(n, "var/lib/dpkg/"):
			return "packages"
		}
	}
	return "folders"
}

// logDifferences lists the files in which two engines' images differ: those
// that packages write when they are installed. Their contents differ, or only
// their times.
func logDifferences(t *testing.T, one, other string) {
	t.Helper()
	first, second := fileSums(t, one), fileSums(t, other)
	for name, sum := range first {
		if second[name] != sum {
			t.Logf("differs between two engines: %s", name)
		}
		delete(second, name)
	}
	for name := range second {
		t.Logf("on one engine only: %s", name)
	}
}

// fileSums is the checksum of every regular file of an image, the highest
// layer's where several have it.
func fileSums(t *testing.T, layout string) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := image.Walk(kit.OpenLayout(t, layout), func(e image.Entry) error {
		if e.Typeflag != tar.TypeReg {
			return nil
		}
		h := sha256.New()
		_, err := io.Copy(h, e.Content)
		out[e.Name] = string(h.Sum(nil))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}
