package integration

import (
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
	"github.com/medbuild/medbuild/llb"
)

// TestConda builds FSL and a component of the generic stage from a stand-in of
// FSL's channel.
func TestConda(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages on an engine of its own; run without -short")
	}
	kit.SharedEngine(t)
	s := kit.Site(t)
	dir, _ := fslProject(t, s)
	kit.Built(t, dir, "--output", "type=oci,dest="+filepath.Join(dir, "out")+",tar=false").OK(t)

	t.Run("layers", func(t *testing.T) { checkFSLLayers(t, filepath.Join(dir, "out")) })
	t.Run("inside", func(t *testing.T) { checkFSLInside(t, dir) })
	t.Run("repeats", func(t *testing.T) { checkFSLRepeats(t, dir) })
	t.Run("again without the site", func(t *testing.T) {
		s.Close()
		if ran := stepsRun(kit.Built(t, dir).OK(t).Stderr); len(ran) > 0 {
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
	files := kit.Below(t, layout, "opt/fsl")
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
		if got, ok := files[name]; !ok || !strings.HasPrefix(got.Text, want) {
			t.Errorf("%s begins with %.60q (there: %v), want %q", name, got.Text, ok, want)
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
	if meta := files["conda-meta/fsl-bet2-2111.9-h0123456_0.json"].Text; !strings.Contains(meta, standins.FSLChannel+"/linux-64/fsl-bet2-2111.9-h0123456_0.conda\"") {
		t.Errorf("the environment does not say where fsl-bet2 came from:\n%s", meta)
	}
}

// checkByteCode wants byte code to be of the source as it is in the layer: its
// header has the time of its source.
func checkByteCode(t *testing.T, files map[string]kit.Packed) {
	t.Helper()
	for _, name := range []string{"lib/python3.13/__pycache__/os.cpython-313.pyc", "lib/python3.13/site-packages/fsl/scripts/__pycache__/imcp.cpython-313.pyc"} {
		code := files[name].Text
		if len(code) < 16 || binary.LittleEndian.Uint32([]byte(code[8:12])) != llb.Epoch {
			t.Errorf("%s (%d bytes) is not of its source", name, len(code))
		}
	}
}

// checkFSLFile wants a file of the layer to have nothing of where it was made.
func checkFSLFile(t *testing.T, name string, f kit.Packed) {
	t.Helper()
	if strings.HasPrefix(name, "pkgs/") || strings.HasSuffix(name, ".conda") || strings.HasSuffix(name, ".tar.bz2") {
		t.Errorf("package cache in the layer: %s", name)
	}
	if strings.Contains(f.Text, upstream.CondaPrefix) && !strings.HasPrefix(name, "conda-meta/") {
		t.Errorf("%s names the prefix it was made for", name)
	}
	if strings.Contains(f.Text, llb.Run) || strings.Contains(f.Text, "/tmp/") {
		t.Errorf("%s names a folder of the builder", name)
	}
	if f.Uid != 0 || f.Gid != 0 || !f.ModTime.Equal(time.Unix(llb.Epoch, 0)) {
		t.Errorf("%s belongs to %d:%d and has time %v", name, f.Uid, f.Gid, f.ModTime)
	}
}

// checkFSLInside runs programs without any environment: wrappers and scripts
// name each other by their final paths.
func checkFSLInside(t *testing.T, dir string) {
	t.Helper()
	run := func(script string) string {
		return kit.Medbuild(t, "run", "--file", filepath.Join(dir, "components.toml"), "--target", "all", "--", "/bin/sh", "-euc", script).OK(t).Stdout
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
	kit.WriteFile(t, file, strings.Replace(kit.ReadFile(t, file), `"doc", `, `"doc", "no/such/folder", `, 1))
	again := filepath.Join(dir, "again")
	r := kit.Built(t, dir, "--output", "type=oci,dest="+again+",tar=false").OK(t)
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
	files := kit.Below(t, layout, "opt/fsl")
	layers := kit.Must(kit.OpenLayout(t, layout).Layers())(t)
	return kit.Must(layers[files["etc/fslversion"].Layer].Digest())(t).String()
}

// testCondaGeneric: a component of conda packages needs a table and no Go.
func testCondaGeneric(t *testing.T) {
	dir, _ := condaProject(t, kit.Site(t))
	kit.Built(t, dir).OK(t)
}

// testCondaANTs: of the environment, ANTs' programs alone are on PATH.
func testCondaANTs(t *testing.T) {
	dir, _ := condaANTsProject(t, kit.Site(t))
	layout := filepath.Join(dir, "out")
	kit.Built(t, dir, "--output", "type=oci,dest="+layout+",tar=false").OK(t)
	linked := map[string]string{}
	for name, f := range kit.Below(t, layout, "opt/ants/share/ants/bin") {
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
	s := kit.Site(t)
	var lock, smoke strings.Builder
	for i := range 120 {
		name := fmt.Sprintf("package-%d", i)
		lock.WriteString(kit.Must(s.Conda(standins.ForgeChannel, upstream.CondaPackage{Name: name, Version: "1.0", Build: "h1_0", Subdir: "linux-64",
			Files: map[string]string{"share/" + name: name + "\n"}}))(t))
		fmt.Fprintf(&smoke, "test -s {prefix}/share/%s && ", name)
	}
	dir := kit.Project(t, kit.Components("many", fmt.Sprintf(`stage = "conda"
version = "1.0"
prefix = "/opt/many"
lock = "many.conda.tsv"
licence = "MIT"
smoke = ["%s true"]
`, smoke.String())))
	kit.WriteFile(t, filepath.Join(dir, "many.conda.tsv"), lock.String())
	kit.Built(t, dir).OK(t)
}

// testCondaFailingScript: the installer itself goes on when a package's
// script fails.
func testCondaFailingScript(t *testing.T) {
	s := kit.Site(t)
	lock := kit.Must(s.Conda(standins.ForgeChannel, upstream.CondaPackage{Name: "broken", Version: "1.0", Build: "h1_0", Subdir: "linux-64",
		Files: map[string]string{"bin/broken": "#!/bin/sh\n"}, PostLink: "echo nothing works >&2\nexit 3\n"}))(t)
	dir := kit.Project(t, kit.Components("broken", `stage = "conda"
version = "1.0"
prefix = "/opt/broken"
lock = "broken.conda.tsv"
licence = "MIT"
smoke = ["broken"]
`))
	kit.WriteFile(t, filepath.Join(dir, "broken.conda.tsv"), lock)
	kit.Built(t, dir).Failed(t, 1, "broken: step [broken] install failed", "nothing works", "post-link script failed: broken")
}
