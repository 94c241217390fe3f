package project

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
	bk "github.com/moby/buildkit/client/llb"
)

// limit is how long a whole graph may take to compile, from the user's file to
// what an engine is sent: a build where nothing changed has no time to lose.
const limit = 20 * time.Millisecond

// BenchmarkGraph compiles a graph with every stage in it. It fails when the
// best of its runs takes longer than the limit; others may have been waiting
// for a processor.
func BenchmarkGraph(b *testing.B) {
	path := everyStage(b)
	best, bytes := time.Hour, 0
	run := func() {
		begin := time.Now()
		bytes = compileGraph(b, path)
		best = min(best, time.Since(begin))
	}
	for b.Loop() {
		run()
	}
	b.StopTimer()
	for range 9 { // -benchtime 1x has one run, which finds every cache cold
		run()
	}
	b.ReportMetric(float64(best.Microseconds())/1000, "ms/best")
	b.ReportMetric(float64(bytes), "definition-bytes")
	if best > limit {
		b.Errorf("the graph takes %s to compile, more than %s", best, limit)
	}
}

// compileGraph reads the file and marshals its image and, as a build does, each
// component of it. It returns how long the definitions are, in bytes.
func compileGraph(tb testing.TB, path string) int {
	tb.Helper()
	p, err := Open(path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	images, err := Assemble(tb.Context(), p.Targets, known{"trixie": benchBase()}, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	n := marshalled(tb, images[0].State)
	for _, p := range images[0].Parts {
		n += marshalled(tb, p.Tested)
	}
	return n
}

func marshalled(tb testing.TB, s llb.State) int {
	tb.Helper()
	def, err := s.Marshal(context.Background(), bk.LinuxAmd64)
	if err != nil {
		tb.Fatal(err)
	}
	n := 0
	for _, op := range def.Def {
		n += len(op)
	}
	return n
}

func benchBase() stage.Base {
	name := "registry.example/base@sha256:" + strings.Repeat("5a", 32)
	return stage.Base{Name: "trixie", Reference: name, Root: llb.Image(name), Facts: stage.Facts{
		Distribution: "debian", Release: "13", Libc: "2.41", Python: "3.13.5", Layers: 1, Links: map[string]string{"/bin": "usr/bin"}}}
}

// TestGraphHasEveryStage: what the benchmark compiles is all there is.
func TestGraphHasEveryStage(t *testing.T) {
	path := everyStage(t)
	p, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]bool{}
	for _, c := range p.Targets[0].Components {
		in[c.Tool.Shared().Stage] = true
	}
	for _, k := range stages.All() {
		if !in[k.Name] {
			t.Errorf("stage %s is not in the benchmark's file: add it", k.Name)
		}
	}
	if compileGraph(t, path) == 0 {
		t.Error("the definitions are empty")
	}
}

// everyStage writes a file with a component of each stage and what they name,
// and returns its path.
func everyStage(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	hash := "--hash=sha256:" + strings.Repeat("5a", 32)
	requirements := ""
	for _, name := range []string{"nibabel", "numpy", "scipy", "torch", "torchvision", "pyvista", "fsleyes"} {
		requirements += name + "==1.0 " + hash + "\n"
	}
	for name, content := range map[string]string{
		"components.toml": strings.NewReplacer("SHA", strings.Repeat("5a", 32), "COMMIT", strings.Repeat("c0", 20)).Replace(everyStageTOML),
		"python.txt":      requirements,
		"hello.sh":        "#!/bin/sh\necho hello\n",
		"fsl.tsv":         benchLock(97),
		"conda.tsv":       benchLock(40),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return filepath.Join(dir, "components.toml")
}

// benchLock is a conda lock with the packages that FSL's profile minimal
// promises and others, as many together as its real lock has.
func benchLock(packages int) string {
	names := []string{"fsl-base", "fsl-avwutils", "fsl-bet2", "fsl-flirt", "fsl-fast4", "fsl-topup", "fsl-eddy"}
	for len(names) < packages {
		names = append(names, fmt.Sprintf("lib%d", len(names)))
	}
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "1000\t%s\thttps://conda.example/linux-64/%s-1.0-0.conda\tMIT\n", strings.Repeat("5a", 32), name)
	}
	return b.String()
}

const everyStageTOML = `
[image]
name = "bench"
version = "1"

[bases.trixie]
tar = "trixie.tar"

[targets.production]
base = "trixie"
components = ["freesurfer", "fsl", "ants", "c3d", "art", "mrtrix3", "synb0", "sct", "python", "conda", "archive", "apt", "make", "files"]

[components.freesurfer]
version = "7.4.1"
source = { url = "https://files.example/freesurfer.tar.gz", sha256 = "SHA" }

[components.fsl]
version = "6.0.7.18"
lock = "fsl.tsv"
accept_licence = true

[components.ants]
version = "2.4.4"
prefix = "/opt/ants"
source = { url = "https://files.example/ants.zip", sha256 = "SHA" }

[components.c3d]
version = "1.0.0"
source = { url = "https://files.example/c3d.tar.gz", sha256 = "SHA" }

[components.art]
version = "2.0"
source = { url = "https://files.example/art.tar.gz", sha256 = "SHA" }

[components.mrtrix3]
version = "3.0.4"

[components.synb0]
version = "d813f9435cffb5b663f15b52d55ed0a27181f0b2"

[components.sct]
version = "7.2"
miniforge = { url = "https://files.example/miniforge.sh", sha256 = "SHA" }

[components.python]
version = "3.13"
requirements = "python.txt"
packages = ["nibabel", "numpy", "scipy", "torch", "torchvision", "pyvista", "fsleyes"]

[components.conda]
version = "1"
prefix = "/opt/conda-tools"
lock = "conda.tsv"
licence = "MIT"
version_command = "tool --version"

[components.archive]
version = "1"
prefix = "/opt/archive"
source = { url = "https://files.example/tool.tar.xz", sha256 = "SHA" }
licence = "MIT"
version_command = "tool --version"
prune = ["*.a", "share/doc"]

[components.apt]
version = "1"
packages = ["jq"]
licence = "MIT"

[components.make]
version = "1"
prefix = "/opt/make"
source = { git = "https://git.example/tool.git", commit = "COMMIT" }
build_packages = ["g++", "make"]
install = "make install"
licence = "MIT"
version_command = "tool --version"

[components.files]
version = "1"
prefix = "/opt/files"

[[components.files.files]]
from = "hello.sh"
to = "bin/hello"
mode = "0755"
`
