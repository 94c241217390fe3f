package stages

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

func TestMRtrix3Runtime(t *testing.T) {
	t.Parallel()
	imp := []string{"python3-zombie-imp", "python3-setuptools"}
	tests := []struct {
		release, version string
		gui              bool
		has, lacks       []string
	}{
		{"debian-12", "3.0.4", false, []string{"libpng16-16", "libtiff6", "python3"}, append(imp, "libgl1")},
		{"debian-13", "3.0.4", false, append(imp, "libpng16-16t64", "libtiff6", "python3"), []string{"libgl1"}},
		{"debian-13", "3.0.8", false, []string{"libpng16-16t64", "python3"}, imp},
		{"debian-13", "3.0.8", true, []string{"libgl1", "libqt5core5t64", "libqt5svg5"}, imp},
		{"ubuntu-20.04", "3.0.4", false, []string{"libpng16-16", "libtiff5", "python3"}, append(imp, "libtiff6")},
		{"ubuntu-20.04", "3.0.4", true, []string{"libtiff5", "libgl1", "libqt5core5a"}, imp},
		{"ubuntu-22.04", "3.0.5", false, []string{"libtiff5"}, imp},
		{"ubuntu-24.04", "3.0.5", false, []string{"libtiff6", "libpng16-16t64"}, imp},
	}
	for _, tt := range tests {
		t.Run(tt.release+" "+tt.version, func(t *testing.T) {
			m := testkit.With(newMRtrix3(tt.version), func(m *MRtrix3) { m.GUI = tt.gui })
			got := stagetest.Stage(t, withSource(m), stagetest.OnRelease(tt.release)).Runtime
			for _, p := range tt.has {
				if !slices.Contains(got, p) {
					t.Errorf("%s is not among %q", p, got)
				}
			}
			for _, p := range append(tt.lacks, "python-is-python3") {
				if slices.Contains(got, p) {
					t.Errorf("%s is among %q", p, got)
				}
			}
		})
	}
}

func withSource(m *MRtrix3) *MRtrix3 {
	m.Source = stage.Source{URL: "https://files.example/mrtrix3.tar.gz", SHA256: testkit.SHA256}
	return m
}

// TestMRtrix3AsksTheBasesOwnPython: a base can have a newer Python than its
// release, or an older.
func TestMRtrix3AsksTheBasesOwnPython(t *testing.T) {
	t.Parallel()
	older := stagetest.OnRelease("debian-13")
	older.Python = "3.11.9"
	if got := stagetest.Stage(t, newMRtrix3("3.0.4"), older).Runtime; slices.Contains(got, "python3-zombie-imp") {
		t.Errorf("Python 3.11 has imp, yet the packages are %q", got)
	}
	newer := stagetest.OnRelease("ubuntu-22.04")
	newer.Python = "3.12.0"
	wantError(t, newMRtrix3("3.0.4"), newer, "imp and distutils", "ubuntu-22.04", "debian-13", "hint: use MRtrix3 3.0.5 or newer")
}

// TestMRtrix3TablesStayApart: putting packages together for one component must
// not write into the tables that all share.
func TestMRtrix3TablesStayApart(t *testing.T) {
	t.Parallel()
	before := slices.Clone(mrtrix3Runtime)
	m := testkit.With(newMRtrix3("3.0.4"), func(m *MRtrix3) { m.GUI = true })
	first := slices.Clone(stagetest.Stage(t, m, stagetest.OnRelease("debian-13")).Runtime)
	stagetest.Stage(t, newMRtrix3("3.0.4"), stagetest.OnRelease("debian-13"))
	if !slices.Equal(before, mrtrix3Runtime) {
		t.Errorf("the table is %q now", mrtrix3Runtime)
	}
	if second := stagetest.Stage(t, m, stagetest.OnRelease("debian-13")).Runtime; !slices.Equal(first, second) {
		t.Errorf("packages are %q first and %q then", first, second)
	}
}

func TestMRtrix3UnknownRelease(t *testing.T) {
	t.Parallel()
	wantError(t, newMRtrix3("3.0.8"), stagetest.OnRelease("fedora-40"), "libraries that MRtrix3 needs", "fedora-40", "hint: use a base of one of debian-12, debian-13, ubuntu-20.04")
}

func TestMRtrix3UnknownVersion(t *testing.T) {
	t.Parallel()
	wantError(t, newMRtrix3("3.1.0"), stagetest.OnRelease("debian-13"), "archive/3.1.0.tar.gz", "not pinned", "hint: add sha256")
}

func TestMRtrix3Releases(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.0.4", "3.0.5", "3.0.6", "3.0.7", "3.0.8"} {
		in := stagetest.Stage(t, newMRtrix3(version), stagetest.OnRelease("debian-13")).Inputs
		if len(in) != 1 || !in[0].Pinned() || in[0].Kind != llb.Archive || in[0].File() != version+".tar.gz" {
			t.Errorf("%s comes from %+v, want its pinned release archive", version, in)
		}
	}
}

func TestMRtrix3Commands(t *testing.T) {
	t.Parallel()
	tests := []struct {
		commands       []string
		targets, asked string
	}{
		{nil, "", "mrinfo"},
		{[]string{"mrcalc", "mrinfo"}, "bin/mrcalc bin/mrinfo", "mrinfo"},
		{[]string{"tckgen", "mrcalc"}, "bin/tckgen bin/mrcalc", "tckgen"},
		{[]string{"dwishellmath", "mrcalc"}, "bin/dwiextract bin/mrcat bin/mrconvert bin/mrinfo bin/mrmath bin/mrcalc", "mrinfo"},
		{[]string{"gen_scheme"}, "bin/dirflip bin/dirgen bin/dirmerge bin/dirsplit bin/dirstat", "dirflip"},
		{[]string{"for_each"}, "bin/mrinfo", "mrinfo"},
	}
	for _, tt := range tests {
		m := testkit.With(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Commands = tt.commands })
		if m.targets() != tt.targets || m.asked() != tt.asked {
			t.Errorf("%q: builds %q and asks %q, want %q and %q", tt.commands, m.targets(), m.asked(), tt.targets, tt.asked)
		}
		if got := stagetest.Stage(t, m, stagetest.OnRelease("debian-13")).Questions[0].Command; got != tt.asked+" --version" {
			t.Errorf("%q: the version is asked by %q", tt.commands, got)
		}
	}
}

// TestMRtrix3Shebangs runs the end of the compile step on scripts as MRtrix3
// has them, and on files that are none.
func TestMRtrix3Shebangs(t *testing.T) {
	t.Parallel()
	prefix := t.TempDir()
	files := map[string][2]string{ // before, after
		"dwibiascorrect": {"#!/usr/bin/env python\nimport imp\n", "#!/usr/bin/python3\nimport imp\n"},
		"population":     {"#!/usr/bin/env python3\n#!/usr/bin/env python\n", "#!/usr/bin/python3\n#!/usr/bin/env python\n"},
		"old":            {"#!/usr/bin/env python2\n", "#!/usr/bin/env python2\n"},
		"for_each":       {"#!/bin/bash\n#!/usr/bin/env python\n", "#!/bin/bash\n#!/usr/bin/env python\n"},
		"mrinfo":         {"#!/usr/bin/env python\n\x00\x01", "#!/usr/bin/env python\n\x00\x01"},
	}
	for name, content := range files {
		testkit.Write(t, filepath.Join(prefix, "bin", name), content[0])
	}
	lines := strings.Split(strings.TrimSpace(mrtrix3Script), "\n")
	script := llb.Script(lines[len(lines)-1], llb.Values{"PREFIX": prefix}, nil)
	if out, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, content := range files {
		got, err := os.ReadFile(filepath.Join(prefix, "bin", name))
		if err != nil || string(got) != content[1] {
			t.Errorf("%s is %q, want %q (%v)", name, got, content[1], err)
		}
	}
}

func wantError(t *testing.T, tool stage.Tool, on stage.Base, parts ...string) {
	t.Helper()
	_, err := tool.Stage(stage.Ground{Build: on, Run: on})
	testkit.WantText(t, err, parts...)
}

func TestMRtrix3ScriptsNeedAnOldPython(t *testing.T) {
	t.Parallel()
	for version, refused := range map[string]bool{"3.0.2": true, "3.0.4": true, "3.0.5": false, "3.0.8": false, "3.1.0": false, "master": false} {
		_, err := withSource(newMRtrix3(version)).Stage(stage.Ground{Build: stagetest.OnRelease("ubuntu-24.04"), Run: stagetest.OnRelease("ubuntu-24.04")})
		if refused {
			testkit.WantText(t, err, "scripts of MRtrix3 "+version+" do not run on Python 3.12 of ubuntu-24.04", "imp and distutils", "hint: use MRtrix3 3.0.5 or newer, or a base of one of debian-13")
		}
		if !refused && err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}
