package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func newFreeSurfer(profile string) *FreeSurfer {
	return &FreeSurfer{Common: stage.Common{Name: "freesurfer", Stage: "freesurfer", Version: "6.0.0", Prefix: "/opt/freesurfer"},
		Profile: profile, Licence: "/run/freesurfer/license.txt",
		Source: stage.Source{URL: "https://files.example/freesurfer-6.0.0.tar.gz", SHA256: testkit.SHA256}}
}

// imageFreeSurfer is copied from an image, to the place that the service has it.
func imageFreeSurfer() *FreeSurfer {
	return testkit.With(newFreeSurfer("recon-all"), func(f *FreeSurfer) {
		f.Version, f.Prefix = "7.4.1", "/home/jovyan/freesurfer"
		f.Source = stage.Source{Image: "registry.example/freesurfer:7.4.1@sha256:" + testkit.SHA256, Path: "/usr/local/freesurfer"}
		f.Prune, f.Keep = []stage.Pattern{"average/*.gca"}, []stage.Pattern{"average/RB_all_2020-01-02.gca"}
		f.Licence, f.Owner = "/home/jovyan/work/workspace/license.txt", "1000:100"
	})
}

func freesurferCases() []stageCase {
	return []stageCase{
		{"full", stagetest.Focal, func() stage.Tool { return newFreeSurfer("full") }},
		{"image", stagetest.Trixie, func() stage.Tool { return imageFreeSurfer() }},
		{"synb0", stagetest.Bookworm, func() stage.Tool { return newFreeSurfer("synb0") }},
	}
}

func TestFreeSurferErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*FreeSurfer)
		want   []string
	}{
		{"profile", func(f *FreeSurfer) { f.Profile = "slim" }, []string{`no profile "slim"`, "hint: the profiles are full, recon-all, synb0"}},
		{"owner", func(f *FreeSurfer) { f.Owner = "jovyan" }, []string{`owner "jovyan"`, "hint:", "1000:100"}},
		{"licence in the layer", func(f *FreeSurfer) { f.Licence = "/opt/freesurfer/.license" }, []string{"not an absolute path outside the prefix", "hint: choose a path"}},
		{"relative licence", func(f *FreeSurfer) { f.Licence = "license.txt" }, []string{"licence", "hint:"}},
		{"git", func(f *FreeSurfer) {
			f.Source = stage.Source{Git: "https://git.example/fs.git", Commit: testkit.Commit}
		}, []string{"git repository", "hint:"}},
		{"no digest", func(f *FreeSurfer) {
			f.Source = stage.Source{Image: "freesurfer/freesurfer:7.4.1", Path: "/usr/local/freesurfer"}
		},
			[]string{"freesurfer/freesurfer:7.4.1 is not pinned", "hint:", "@sha256:"}},
		{"bad digest", func(f *FreeSurfer) {
			f.Source = stage.Source{Image: "freesurfer@sha256:1", Path: "/usr/local/freesurfer"}
		},
			[]string{"does not pin it", "hint:"}},
		{"no path", func(f *FreeSurfer) { f.Source = stage.Source{Image: "freesurfer@sha256:" + testkit.SHA256} }, []string{"image and path are only valid together"}},
		{"the whole image", func(f *FreeSurfer) { f.Source = stage.Source{Image: "freesurfer@sha256:" + testkit.SHA256, Path: "/"} }, []string{"not an absolute path below the root"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, testkit.With(newFreeSurfer("full"), tt.change), stagetest.Trixie(), tt.want...)
		})
	}
	wantError(t, newFreeSurfer("full"), stagetest.OnRelease("debian-11"), "not known for debian-11", "ubuntu-24.04")
}

// TestStagesThatTakeNoImage: an image's files are no source tree.
func TestStagesThatTakeNoImage(t *testing.T) {
	t.Parallel()
	m := testkit.With(newMRtrix3("3.0.8"), func(m *MRtrix3) {
		m.Source = stage.Source{Image: "mrtrix3@sha256:" + testkit.SHA256, Path: "/opt/mrtrix3"}
	})
	wantError(t, m, stagetest.Trixie(), "is an image, which this stage cannot use")
}

// TestFreeSurferEnvironment: what the service sets, and nothing that names a
// folder which is not there.
func TestFreeSurferEnvironment(t *testing.T) {
	t.Parallel()
	full := stagetest.Stage(t, newFreeSurfer("full"), stagetest.Trixie()).Env
	for _, want := range []string{"FREESURFER_HOME=/opt/freesurfer", "FSFAST_HOME=/opt/freesurfer/fsfast", "MINC_BIN_DIR=/opt/freesurfer/mni/bin",
		"MNI_DIR=/opt/freesurfer/mni", "PERL5LIB=/opt/freesurfer/mni/share/perl5", "FS_LICENSE=/run/freesurfer/license.txt"} {
		if !slices.Contains(full, want) {
			t.Errorf("no %s in %q", want, full)
		}
	}
	small := stagetest.Stage(t, newFreeSurfer("recon-all"), stagetest.Trixie()).Env
	if slices.ContainsFunc(small, func(e string) bool { return strings.HasPrefix(e, "FSFAST_HOME") }) {
		t.Errorf("the profile leaves fsfast out, the environment names it: %q", small)
	}
}

func TestFreeSurferBuildStamps(t *testing.T) {
	t.Parallel()
	for stamp, want := range map[string]string{
		"freesurfer-Linux-centos6_x86_64-stable-pub-v6.0.0-2beb96c\n": "6.0.0",
		"freesurfer-linux-ubuntu22_x86_64-7.4.1-20230614-7eb8460\n":   "7.4.1",
		"freesurfer-linux-rocky9_x86_64-8.1.0-20250725-abcdef0\n":     "8.1.0",
		"freesurfer-linux-centos8_x86_64-8.0.0\n":                     "8.0.0",
	} {
		got, stderr, err := stagetest.Answer(t, stagetest.Question(t, newFreeSurfer("full"), want), stamp)
		if err != nil || got != want {
			t.Errorf("%s is version %q, want %q (%v)\n%s", stamp, got, want, err, stderr)
		}
	}
}

// A FreeSurfer with a file for each thing that is kept or left out.
func freesurferTree() map[string]string {
	return map[string]string{
		"build-stamp.txt":                  "freesurfer-Linux-centos6_x86_64-stable-pub-v6.0.0-2beb96c\n",
		"SetUpFreeSurfer.sh":               "",
		"FreeSurferColorLUT.txt":           "",
		"LICENSE.txt":                      "the agreement\n",
		"license.txt":                      someLicence,
		".license":                         someLicence,
		"average/RB_all_2016-05-10.gca":    "",
		"average/face.gca":                 "",
		"average/mult-comp-cor/fwhm01/x":   "",
		"bin/freeview.bin":                 "",
		"bin/license.txt":                  someLicence,
		"bin/mri_convert":                  "#!/bin/sh\n",
		"bin/mri_normalize":                "#!/bin/sh\n",
		"bin/recon-all":                    "#!/bin/tcsh -f\n",
		"docs/license.cma.txt":             "an agreement\n",
		"fsfast/bin/x":                     "",
		"lib/qt/lib/libQtCore.so.4":        "",
		"mni/bin/nu_correct":               "#!/usr/bin/perl\n",
		"subjects/bert/mri/T1.mgz":         "",
		"subjects/fsaverage/surf/lh.white": "",
		"trctrain/x":                       "",
	}
}

const someLicence = "someone@example.org\n12345\n *Caaaaaaaaaaa\n FSbbbbbbbbbbb\n"

// freesurferLayer runs the step's script on an archive or a folder, in a temporary
// folder in place of the root. It returns that of the prefix or, with an error,
// what the script said.
func freesurferLayer(t *testing.T, f *FreeSurfer, tree map[string]string) (prefix string, err error) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the script is for GNU tar, sed and find")
	}
	dir := t.TempDir()
	for _, d := range []string{"to", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	src := filepath.Join(dir, "run/src")
	for name, content := range tree {
		testkit.Write(t, filepath.Join(dir, "freesurfer", name), content)
		testkit.Write(t, filepath.Join(src+f.Source.Path, name), content)
	}
	if f.Source.Path == "" {
		shell(t, "rm -r "+src+" && mkdir "+src+" && tar -C "+dir+" -czf "+src+"/freesurfer.tar.gz freesurfer")
	}
	for name, content := range f.lists(freesurferProfiles()[f.Profile]) {
		testkit.Write(t, filepath.Join(dir, "run/lists", name), string(content))
	}
	script := stepScript(t, f, "[freesurfer] unpack", map[string]string{f.Prefix: dir + "/to", "/run/medbuild": dir + "/run", "/tmp/": dir + "/tmp/"})
	out, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return filepath.Join(dir, "to"), nil
}

// stepScript is the script of a component's step, with other paths.
func stepScript(t *testing.T, tool stage.Tool, step string, paths map[string]string) string {
	t.Helper()
	g := llbtest.Read(t, llbtest.End{State: *stagetest.Stage(t, tool, stagetest.Trixie()).Layer})
	var pairs []string
	for old, now := range paths {
		pairs = append(pairs, old, now)
	}
	return strings.NewReplacer(pairs...).Replace(g.Find(step).GetExec().Meta.Args[3])
}

func shell(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.Command("/bin/sh", "-euc", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

func TestFreeSurferProfiles(t *testing.T) {
	t.Parallel()
	image := func(f *FreeSurfer) {
		f.Source = stage.Source{Image: "fs@sha256:" + testkit.SHA256, Path: "/usr/local/freesurfer"}
	}
	everyone := []string{"build-stamp.txt", "SetUpFreeSurfer.sh", "bin/mri_convert", "bin/mri_normalize", "mni/bin/nu_correct",
		"subjects/fsaverage/surf/lh.white", "bin/fs-license", "LICENSE.txt", "docs/license.cma.txt"}
	tests := []struct {
		name      string
		tool      *FreeSurfer
		has, lack []string
	}{
		{"full", newFreeSurfer("full"), []string{"subjects/bert/mri/T1.mgz", "trctrain/x", "lib/qt/lib/libQtCore.so.4"}, nil},
		{"recon-all", newFreeSurfer("recon-all"), []string{"average/RB_all_2016-05-10.gca", "average/face.gca", "bin/recon-all"},
			[]string{"subjects/bert", "trctrain", "lib/qt", "fsfast", "bin/freeview.bin", "average/mult-comp-cor"}},
		{"synb0", newFreeSurfer("synb0"), []string{"FreeSurferColorLUT.txt"}, []string{"bin/recon-all", "average", "subjects/bert", "lib"}},
		{"image", testkit.With(newFreeSurfer("recon-all"), image), []string{"average/face.gca", "bin/recon-all"}, []string{"subjects/bert", "trctrain"}},
		{"pruned", testkit.With(newFreeSurfer("synb0"), func(f *FreeSurfer) { f.Prune = []stage.Pattern{"FreeSurferColorLUT.txt", "subjects/*"} }), nil,
			[]string{"FreeSurferColorLUT.txt", "subjects/bert"}},
		{"kept", testkit.With(newFreeSurfer("recon-all"), func(f *FreeSurfer) {
			f.Prune, f.Keep = []stage.Pattern{"average/*.gca"}, []stage.Pattern{"average/RB_all*", "trctrain"}
		}), []string{"average/RB_all_2016-05-10.gca", "trctrain/x"}, []string{"average/face.gca", "subjects/bert"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			prefix, err := freesurferLayer(t, tt.tool, freesurferTree())
			if err != nil {
				t.Fatalf("%v: %s", err, prefix)
			}
			for _, name := range append(everyone, tt.has...) {
				if _, err := os.Stat(filepath.Join(prefix, name)); err != nil {
					t.Errorf("%s is missing", name)
				}
			}
			for _, name := range append([]string{".license", "bin/license.txt"}, tt.lack...) {
				if _, err := os.Lstat(filepath.Join(prefix, name)); err == nil {
					t.Errorf("%s is there", name)
				}
			}
			if to, err := os.Readlink(filepath.Join(prefix, "license.txt")); err != nil || to != tt.tool.Licence {
				t.Errorf("license.txt leads to %q, want %s (%v)", to, tt.tool.Licence, err)
			}
		})
	}
}

func TestFreeSurferRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*FreeSurfer, map[string]string)
		want   string
	}{
		{"a licence under another name", func(_ *FreeSurfer, tree map[string]string) { tree["docs/my_license.old"] = someLicence },
			"docs/my_license.old looks like a FreeSurfer licence"},
		{"another version", func(f *FreeSurfer, _ map[string]string) { f.Version = "7.4.1" }, "stable-pub-v6.0.0-2beb96c, components.toml has 7.4.1"},
		{"a typo in keep", func(f *FreeSurfer, _ map[string]string) { f.Keep = []stage.Pattern{"average/RBall*"} }, "nothing in FreeSurfer matches average/RBall*"},
		{"too much left out", func(f *FreeSurfer, _ map[string]string) { f.Prune = []stage.Pattern{"bin"} }, "bin/mri_convert is missing"},
		{"no fsaverage", func(_ *FreeSurfer, tree map[string]string) { delete(tree, "subjects/fsaverage/surf/lh.white") }, "nothing in FreeSurfer matches subjects/fsaverage"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, tree := newFreeSurfer("full"), freesurferTree()
			tt.change(f, tree)
			if said, err := freesurferLayer(t, f, tree); err == nil || !strings.Contains(said, tt.want) {
				t.Errorf("%v: no %q in\n%s", err, tt.want, said)
			}
		})
	}
}
