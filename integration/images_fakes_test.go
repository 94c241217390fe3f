//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/medbuild/medbuild/integration/upstream"
)

// table is a table of a TOML file.
type table = map[string]any

// theService is a project with the components.toml of the repository itself,
// its sources stood in for and its bases made here. All else is as it stands.
func theService(t *testing.T) string {
	t.Helper()
	var file table
	must(toml.DecodeFile("../components.toml", &file))(t)
	dir := t.TempDir()
	for _, tree := range []string{"service", "examples/osparc"} {
		noError(t, os.CopyFS(filepath.Join(dir, tree), os.DirFS(filepath.Join("..", tree))))
	}
	noError(t, os.Mkdir(filepath.Join(dir, "locks"), 0o755))
	writeFile(t, filepath.Join(dir, "locks/notebook.in"), string(must(os.ReadFile("../locks/notebook.in"))(t)))
	file["bases"] = table{"jupyter": table{"oci": jupyterBase(t)}, "noble": table{"tar": baseTar(t)}}
	components := file["components"].(table)
	for name, text := range stoodIn(t, site(t), dir) {
		standIn(t, components, name, text)
	}
	var b bytes.Buffer
	noError(t, toml.NewEncoder(&b).Encode(file))
	writeFile(t, filepath.Join(dir, "components.toml"), b.String())
	return dir
}

// standIn puts the keys of text over those of a component. One of another
// name would be no stand-in.
func standIn(t *testing.T, components table, name, text string) {
	t.Helper()
	var over table
	must(toml.Decode(text, &over))(t)
	component, ok := components[name].(table)
	if !ok {
		t.Fatalf("components.toml has no component %s", name)
	}
	maps.Copy(component, over)
}

// stoodIn is the tables that take the place of what this network cannot reach,
// by component.
func stoodIn(t *testing.T, s *upstream.Site, dir string) map[string]string {
	t.Helper()
	writeFile(t, filepath.Join(dir, "fsl.tsv"), fakeFSL(t, s))
	freesurfer := sourceOf(s.Put(freesurferPath, must(upstream.Tarball(upstream.FreeSurfer(freesurferStamp)))(t)))
	synb0, commit := repositoryOf(t, s, synb0Path, synb0Files(t))
	sct, _ := repositoryOf(t, s, sctPath, upstream.SCT("7.2"))
	sct += "miniforge = " + strings.TrimPrefix(sourceOf(s.Put(miniforgePath, []byte(upstream.Miniforge))), "source = ")
	return map[string]string{
		"mrtrix3": releaseOfMRtrix3(t, s, "3.0.4"), "mrtrix3-runner": releaseOfMRtrix3(t, s, "3.0.8"),
		"freesurfer": freesurfer, "freesurfer-slim": freesurfer,
		"fsl":  "version = \"6.0.7.18\"\nlock = \"fsl.tsv\"\n",
		"ants": releaseOfANTs(t, s), "c3d": c3dTable(t, s), "art": artTable(t, s),
		"synb0": fmt.Sprintf("version = %q\n", commit) + synb0,
		"sct":   sct, "sct-runner": sct,
		"notebook": environment(t, dir, "notebook", "python3-torch", "python3-torchvision"),
		"python":   environment(t, dir, "python"),
	}
}

func repositoryOf(t *testing.T, s *upstream.Site, path string, files map[string]string) (text, commit string) {
	t.Helper()
	repository := t.TempDir()
	noError(t, upstream.Write(repository, files))
	address, commit, err := s.Repository(path, repository)
	noError(t, err)
	return fmt.Sprintf("source = { git = %q, commit = %q }\n", address, commit), commit
}

// releaseOfMRtrix3 is an archive of a version whose one program answers with it.
func releaseOfMRtrix3(t *testing.T, s *upstream.Site, version string) string {
	t.Helper()
	files := map[string]string{}
	for name, content := range mrtrix3Files(goodConfigure) {
		files[strings.ReplaceAll(name, "3.0.4", version)] = strings.ReplaceAll(content, "3.0.4", version)
	}
	if version != "3.0.4" {
		files["mrtrix3-"+version+"/bin/dwibiascorrect"] = "#!/usr/bin/env python3\n"
	}
	return sourceOf(s.Put("/MRtrix3/mrtrix3/archive/"+version+".tar.gz", tarOf(t, files)))
}

// releaseOfANTs is a zip with what MRtrix3 and Synb0-DISCO call.
func releaseOfANTs(t *testing.T, s *upstream.Site) string {
	t.Helper()
	files := map[string]string{"ants-2.4.4/lib/libants.a": "!<arch>\n"}
	for _, program := range []string{"antsRegistration", "antsApplyTransforms", "N4BiasFieldCorrection", "PrintHeader", "antsRegistrationSyNQuick.sh"} {
		files["ants-2.4.4/bin/"+program] = strings.ReplaceAll(goodANTs, "2.5.4", "2.4.4")
	}
	return sourceOf(s.Put("/ANTsX/ANTs/releases/download/v2.4.4/ants-2.4.4-ubuntu-20.04-X64-gcc.zip", zipOf(t, files)))
}

// environment is a Python 3.13 environment with packages of the index, and
// torch from the distribution or from wheels that only have its name.
func environment(t *testing.T, dir, name string, torch ...string) string {
	t.Helper()
	lock := string(must(os.ReadFile("jupyter/notebook.txt"))(t))
	packages := []string{"nibabel", "numpy", "pandas", "pip", "pyvista", "scikit-learn", "scipy"}
	if len(torch) == 0 {
		s := site(t)
		for _, p := range []string{"torch", "torchvision"} {
			address, sum := s.Put("/whl/cpu/"+p+"-2.5.1-py3-none-any.whl", emptyWheel(t, p))
			lock += p + " @ " + address + " --hash=sha256:" + sum + "\n"
		}
		packages = append(packages, "torch", "torchvision")
	}
	writeFile(t, filepath.Join(dir, name+".txt"), lock)
	return fmt.Sprintf("version = \"3.13\"\ninterpreter = \"/usr/bin/python3\"\nrequirements = %q\nsystem_site_packages = true\npackages = %s\nruntime = %s\n",
		name+".txt", arrayOf(packages), arrayOf(append([]string{"python3"}, torch...)))
}

func arrayOf(words []string) string { return `["` + strings.Join(words, `", "`) + `"]` }

// emptyWheel is a package of that name, version 2.5.1, with nothing in it.
func emptyWheel(t *testing.T, name string) []byte {
	t.Helper()
	info := name + "-2.5.1.dist-info/"
	return zipOf(t, map[string]string{
		name + "/__init__.py": "",
		info + "METADATA":     "Metadata-Version: 2.1\nName: " + name + "\nVersion: 2.5.1\n",
		info + "WHEEL":        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":       name + "/__init__.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n",
	})
}
