//go:build linux

package images

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

// table is a table of a TOML file.
type table = map[string]any

// theService is a project with the components.toml of the repository itself,
// its sources stood in for and its bases made here. All else is as it stands.
func theService(t *testing.T) string {
	t.Helper()
	var file table
	kit.Must(toml.DecodeFile(kit.Path("components.toml"), &file))(t)
	dir := t.TempDir()
	kit.NoError(t, os.CopyFS(filepath.Join(dir, "service"), os.DirFS(kit.Path("service"))))
	for _, target := range file["targets"].(table) {
		target.(table)["osparc_placeholder"] = true // authors and contact are the owner's to fill in
	}
	kit.NoError(t, os.Mkdir(filepath.Join(dir, "locks"), 0o755))
	kit.WriteFile(t, filepath.Join(dir, "locks/notebook.in"), kit.ReadFile(t, kit.Path("locks/notebook.in")))
	file["bases"] = table{"jupyter": table{"oci": jupyterBase(t)}, "noble": table{"tar": kit.BaseTar(t)}}
	components := file["components"].(table)
	for name, text := range stoodIn(t, kit.Site(t), dir) {
		standIn(t, components, name, text)
	}
	var b bytes.Buffer
	kit.NoError(t, toml.NewEncoder(&b).Encode(file))
	kit.WriteFile(t, filepath.Join(dir, "components.toml"), b.String())
	return dir
}

// standIn puts the keys of text over those of a component. One of another
// name would be no stand-in.
func standIn(t *testing.T, components table, name, text string) {
	t.Helper()
	var over table
	kit.Must(toml.Decode(text, &over))(t)
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
	kit.WriteFile(t, filepath.Join(dir, "fsl.tsv"), standins.FSL(t, s))
	freesurfer := standins.SourceOf(s.Put(standins.FreeSurferPath, kit.Must(upstream.Tarball(upstream.FreeSurfer(standins.FreeSurferStamp)))(t)))
	synb0, commit := repositoryOf(t, s, standins.Synb0Path, standins.Synb0Files(t))
	sct, _ := repositoryOf(t, s, standins.SCTPath, upstream.SCT("7.2"))
	sct += "miniforge = " + strings.TrimPrefix(standins.SourceOf(s.Put(standins.MiniforgePath, []byte(upstream.Miniforge))), "source = ")
	return map[string]string{
		"mrtrix3": releaseOfMRtrix3(t, s, "3.0.4"), "mrtrix3-runner": releaseOfMRtrix3(t, s, "3.0.8"),
		"freesurfer": freesurfer, "freesurfer-slim": freesurfer,
		"fsl":  "version = \"6.0.7.18\"\nlock = \"fsl.tsv\"\n",
		"ants": releaseOfANTs(t, s), "c3d": standins.C3D(t, s), "art": standins.ART(t, s),
		"synb0": fmt.Sprintf("version = %q\n", commit) + synb0,
		"sct":   sct, "sct-runner": sct,
		"notebook": environment(t, dir, "notebook", "python3-torch", "python3-torchvision"),
		"python":   environment(t, dir, "python"),
	}
}

func repositoryOf(t *testing.T, s *upstream.Site, path string, files map[string]string) (text, commit string) {
	t.Helper()
	repository := t.TempDir()
	kit.NoError(t, upstream.Write(repository, files))
	address, commit, err := s.Repository(path, repository)
	kit.NoError(t, err)
	return fmt.Sprintf("source = { git = %q, commit = %q }\n", address, commit), commit
}

// releaseOfMRtrix3 is an archive of a version whose one program answers with it.
func releaseOfMRtrix3(t *testing.T, s *upstream.Site, version string) string {
	t.Helper()
	files := map[string]string{}
	for name, content := range standins.MRtrix3Files(standins.GoodConfigure) {
		files[strings.ReplaceAll(name, "3.0.4", version)] = strings.ReplaceAll(content, "3.0.4", version)
	}
	if version != "3.0.4" {
		files["mrtrix3-"+version+"/bin/dwibiascorrect"] = "#!/usr/bin/env python3\n"
	}
	return standins.SourceOf(s.Put("/MRtrix3/mrtrix3/archive/"+version+".tar.gz", kit.Tar(t, files)))
}

// releaseOfANTs is a zip with what MRtrix3 and Synb0-DISCO call.
func releaseOfANTs(t *testing.T, s *upstream.Site) string {
	t.Helper()
	files := map[string]string{"ants-2.4.4/lib/libants.a": "!<arch>\n"}
	for _, program := range []string{"antsRegistration", "antsApplyTransforms", "N4BiasFieldCorrection", "PrintHeader", "antsRegistrationSyNQuick.sh"} {
		files["ants-2.4.4/bin/"+program] = strings.ReplaceAll(standins.GoodANTs, "2.5.4", "2.4.4")
	}
	return standins.SourceOf(s.Put("/ANTsX/ANTs/releases/download/v2.4.4/ants-2.4.4-ubuntu-20.04-X64-gcc.zip", kit.Zip(t, files)))
}

// environment is a Python 3.13 environment with packages of the index, and
// torch from the distribution or from wheels that only have its name.
func environment(t *testing.T, dir, name string, torch ...string) string {
	t.Helper()
	lock := kit.ReadFile(t, kit.Path("integration/jupyter/notebook.txt"))
	packages := []string{"nibabel", "numpy", "pandas", "pip", "pyvista", "scikit-learn", "scipy"}
	if len(torch) == 0 {
		s := kit.Site(t)
		for _, p := range []string{"torch", "torchvision"} {
			address, sum := s.Put("/whl/cpu/"+p+"-2.5.1-py3-none-any.whl", emptyWheel(t, p))
			lock += p + " @ " + address + " --hash=sha256:" + sum + "\n"
		}
		packages = append(packages, "torch", "torchvision")
	}
	kit.WriteFile(t, filepath.Join(dir, name+".txt"), lock)
	// The service's own checks want wxPython and fsleyes: integration has them.
	return "smoke = [\"python -c 'import torch, torchvision, nibabel'\"]\n" + fmt.Sprintf("version = \"3.13\"\ninterpreter = \"/usr/bin/python3\"\nrequirements = %q\nsystem_site_packages = true\npackages = %s\nruntime = %s\n",
		name+".txt", arrayOf(packages), arrayOf(append([]string{"python3"}, torch...)))
}

func arrayOf(words []string) string { return `["` + strings.Join(words, `", "`) + `"]` }

// emptyWheel is a package of that name, version 2.5.1, with nothing in it.
func emptyWheel(t *testing.T, name string) []byte {
	t.Helper()
	info := name + "-2.5.1.dist-info/"
	return kit.Zip(t, map[string]string{
		name + "/__init__.py": "",
		info + "METADATA":     "Metadata-Version: 2.1\nName: " + name + "\nVersion: 2.5.1\n",
		info + "WHEEL":        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":       name + "/__init__.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n",
	})
}
