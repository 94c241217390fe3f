package integration

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/upstream"
	"github.com/medbuild/medbuild/internal/image"
	"github.com/medbuild/medbuild/llb"
)

// TestConda builds FSL and a component of the generic stage from a stand-in of
// FSL's channel.
func TestConda(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages on an engine of its own; run without -short")
	}
	sharedEngine(t)
	s := site(t)
	dir, _ := fslProject(t, s)
	built(t, dir, "--output", "type=oci,dest="+filepath.Join(dir, "out")+",tar=false").ok(t)

	t.Run("layers", func(t *testing.T) { checkFSLLayers(t, filepath.Join(dir, "out")) })
	t.Run("inside", func(t *testing.T) { checkFSLInside(t, dir) })
	t.Run("repeats", func(t *testing.T) { checkFSLRepeats(t, dir) })
	t.Run("again without the site", func(t *testing.T) {
		s.Close()
		if ran := stepsRun(built(t, dir).ok(t).Stderr); len(ran) > 0 {
			t.Errorf("steps ran again: %q", ran)
		}
	})
	t.Run("generic", testCondaGeneric)
	t.Run("ants", testCondaANTs)
	t.Run("many", testCondaMany)
	t.Run("failing script", testCondaFailingScript)
}

func checkFSLLayers(t *testing.T, layout string) {
	t.Helper()
	files := below(t, layout, "opt/fsl")
	for name, want := range map[string]string{
		"bin/bet":                  "#!/opt/fsl/bin/tool\n",
		"bin/imcp":                 "#!/opt/fsl/bin/python",
		"lib/libfsl.so":            "\x7fELF\x00/opt/fsl/lib\x00",
		"share/fsl/bin/bet":        "#!/usr/bin/env bash\n/opt/fsl/bin/bet ",
		"etc/fslversion":           "6.0.7.18\n",
		"etc/fslconf/fsl.sh":       "FSLDIR=/opt/fsl\n",
		"etc/flirtsch/b02b0.cnf":   "--warpres",
		"data/standard/MNI152.txt": "kept",
		"conda-meta/fsl-bet2-2111.9-h0123456_0.json": "{",
	} {
		if got, ok := files[name]; !ok || !strings.HasPrefix(got.content, want) {
			t.Errorf("%s begins with %.60q (there: %v), want %q", name, got.content, ok, want)
		}
	}
	for name, f := range files {
		checkFSLFile(t, name, f)
	}
	checkByteCode(t, files)
	for _, name := range []string{"doc/index.html", "data/standard/other.txt", "CACHEDIR.TAG"} {
		if _, ok := files[name]; ok {
			t.Errorf("%s is in the layer", name)
		}
	}
	if meta := files["conda-meta/fsl-bet2-2111.9-h0123456_0.json"].content; !strings.Contains(meta, fslChannel+"/linux-64/fsl-bet2-2111.9-h0123456_0.conda\"") {
		t.Errorf("the environment does not say where fsl-bet2 came from:\n%s", meta)
	}
}

// checkByteCode wants byte code to be of the source as it is in the layer: its
// header has the time of its source.
func checkByteCode(t *testing.T, files map[string]packed) {
	t.Helper()
	for _, name := range []string{"lib/python3.13/__pycache__/os.cpython-313.pyc", "lib/python3.13/site-packages/fsl/scripts/__pycache__/imcp.cpython-313.pyc"} {
		code := files[name].content
		if len(code) < 16 || binary.LittleEndian.Uint32([]byte(code[8:12])) != llb.Epoch {
			t.Errorf("%s (%d bytes) is not of its source", name, len(code))
		}
	}
}

// checkFSLFile wants a file of the layer to have nothing of where it was made.
func checkFSLFile(t *testing.T, name string, f packed) {
	t.Helper()
	if strings.HasPrefix(name, "pkgs/") || strings.HasSuffix(name, ".conda") || strings.HasSuffix(name, ".tar.bz2") {
		t.Errorf("package cache in the layer: %s", name)
	}
	if strings.Contains(f.content, upstream.CondaPrefix) && !strings.HasPrefix(name, "conda-meta/") {
		t.Errorf("%s names the prefix it was made for", name)
	}
	if strings.Contains(f.content, llb.Run) || strings.Contains(f.content, "/tmp/") {
		t.Errorf("%s names a folder of the builder", name)
	}
	if f.Uid != 0 || f.Gid != 0 || !f.ModTime.Equal(time.Unix(llb.Epoch, 0)) {
		t.Errorf("%s belongs to %d:%d and has time %v", name, f.Uid, f.Gid, f.ModTime)
	}
}

// packed is a file of a layer.
type packed struct {
	image.Entry
	content string
}

// below is the files and links of an image below a folder, by their path in it.
func below(t testing.TB, layout, folder string) map[string]packed {
	t.Helper()
	out := map[string]packed{}
	err := image.Walk(openLayout(t, layout), func(e image.Entry) error {
		name, ok := strings.CutPrefix(e.Name, folder+"/")
		if !ok || e.FileInfo().IsDir() {
			return nil
		}
		content, err := io.ReadAll(e.Content)
		out[name] = packed{e, string(content)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkFSLInside runs programs without any environment: wrappers and scripts
// name each other by their final paths.
func checkFSLInside(t *testing.T, dir string) {
	t.Helper()
	run := func(script string) string {
		return medbuild(t, "run", "--file", filepath.Join(dir, "components.toml"), "--target", "all", "--", "/bin/sh", "-euc", script).ok(t).Stdout
	}
	for script, want := range map[string]string{
		"env -i /opt/fsl/share/fsl/bin/bet x":                 "/opt/fsl/bin/bet of /opt/fsl with x\n",
		"eddy x; eddy_openmp x":                               "/opt/fsl/bin/eddy_cpu of /opt/fsl with x\n/opt/fsl/bin/eddy_cpu of /opt/fsl with x\n",
		"echo $FSLDIR $FSLOUTPUTTYPE ${LD_LIBRARY_PATH-none}": "/opt/fsl NIFTI_GZ none\n",
		"! command -v imcp python tool":                       "",
		"grep FSL /VERSION_MANIFEST.txt":                      "FSL_VERSION=6.0.7.18\n",
	} {
		if got := run(script); got != want {
			t.Errorf("%s says %q, want %q", script, got, want)
		}
	}
}

// checkFSLRepeats wants the same bytes when everything is installed again, for
// a pattern that changes nothing.
func checkFSLRepeats(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "components.toml")
	writeFile(t, file, strings.Replace(readFile(t, file), `"doc", `, `"doc", "no/such/folder", `, 1))
	again := filepath.Join(dir, "again")
	r := built(t, dir, "--output", "type=oci,dest="+again+",tar=false").ok(t)
	if !slices.Contains(stepsRun(r.Stderr), "[fsl] install") {
		t.Errorf("nothing was installed again: %s", r.Stderr)
	}
	want, got := fslLayer(t, filepath.Join(dir, "out")), fslLayer(t, again)
	if got != want {
		t.Errorf("layer %s, at first %s", got, want)
	}
}

// fslLayer is the digest of the layer that FSL is in.
func fslLayer(t *testing.T, layout string) string {
	t.Helper()
	files := below(t, layout, "opt/fsl")
	layers := must(openLayout(t, layout).Layers())(t)
	return must(layers[files["etc/fslversion"].Layer].Digest())(t).String()
}

// testCondaGeneric: a component of conda packages needs a table and no Go.
func testCondaGeneric(t *testing.T) {
	dir, _ := condaProject(t, site(t))
	built(t, dir).ok(t)
}

// testCondaANTs: of the environment, ANTs' programs alone are on PATH.
func testCondaANTs(t *testing.T) {
	dir, _ := condaANTsProject(t, site(t))
	layout := filepath.Join(dir, "out")
	built(t, dir, "--output", "type=oci,dest="+layout+",tar=false").ok(t)
	linked := map[string]string{}
	for name, f := range below(t, layout, "opt/ants/share/ants/bin") {
		linked[name] = f.Linkname
	}
	want := map[string]string{}
	for _, name := range []string{"antsApplyTransforms", "antsRegistration", "antsRegistrationSyNQuick.sh", "N4BiasFieldCorrection", "PrintHeader"} {
		want[name] = "../../../bin/" + name
	}
	if !maps.Equal(linked, want) {
		t.Errorf("the folder for PATH has %v, want %v", linked, want)
	}
}

// testCondaMany: each package is an input of its own, more than FSL and ANTs
// have together.
func testCondaMany(t *testing.T) {
	s := site(t)
	var lock, smoke strings.Builder
	for i := range 120 {
		name := fmt.Sprintf("package-%d", i)
		lock.WriteString(must(s.Conda(forgeChannel, upstream.CondaPackage{Name: name, Version: "1.0", Build: "h1_0", Subdir: "linux-64",
			Files: map[string]string{"share/" + name: name + "\n"}}))(t))
		fmt.Fprintf(&smoke, "test -s {prefix}/share/%s && ", name)
	}
	dir := project(t, components("many", fmt.Sprintf(`stage = "conda"
version = "1.0"
prefix = "/opt/many"
lock = "many.conda.tsv"
licence = "MIT"
smoke = ["%s true"]
`, smoke.String())))
	writeFile(t, filepath.Join(dir, "many.conda.tsv"), lock.String())
	built(t, dir).ok(t)
}

// testCondaFailingScript: the installer itself goes on when a package's
// script fails.
func testCondaFailingScript(t *testing.T) {
	s := site(t)
	lock := must(s.Conda(forgeChannel, upstream.CondaPackage{Name: "broken", Version: "1.0", Build: "h1_0", Subdir: "linux-64",
		Files: map[string]string{"bin/broken": "#!/bin/sh\n"}, PostLink: "echo nothing works >&2\nexit 3\n"}))(t)
	dir := project(t, components("broken", `stage = "conda"
version = "1.0"
prefix = "/opt/broken"
lock = "broken.conda.tsv"
licence = "MIT"
smoke = ["broken"]
`))
	writeFile(t, filepath.Join(dir, "broken.conda.tsv"), lock)
	built(t, dir).failed(t, 1, "broken: step [broken] install failed", "nothing works", "post-link script failed: broken")
}
