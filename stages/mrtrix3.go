package stages

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// MRtrix3 is compiled from its source for baseline x86-64.
type MRtrix3 struct {
	stage.Common
	Source   stage.Source `toml:"source" doc:"a release archive or the git repository; the release of the version when left out"`
	GUI      bool         `toml:"gui" doc:"build mrview and shview, which need Qt and OpenGL"`
	Commands []string     `toml:"commands" doc:"the commands and scripts to keep; all when left out. What a listed script calls of MRtrix3 comes along; a script that is not listed is kept where everything that it calls is there"`
}

var (
	_ stage.Checker  = (*MRtrix3)(nil)
	_ stage.Caller   = (*MRtrix3)(nil)
	_ stage.Released = (*MRtrix3)(nil)
)

// mrtrix3Releases is the sha256 of each release's archive, from EasyBuild's
// recipes (3.0.4, 3.0.8) and from git archive of the tags, which gives the
// same bytes.
var mrtrix3Releases = map[string]string{
	"3.0.4": "f1d1aa289cfc3e46e3a8eca93594b23d061c6d50a0cd03727433a7e2cd14f71a",
	"3.0.5": "ee85e1a0e64e81507cb17adbe9c5b4b84b861f1daa2aacad13436801f65a4b06",
	"3.0.6": "051ebd1db66645e0c1c54da16989d5347dbb134b8f2e228a951f04a03c337eeb",
	"3.0.7": "303c96497358d3925857b2f26c0f838e38115d4e57a95925ca582ae073bb332e",
	"3.0.8": "9c694934781c287c51a0d35ad5d7687b529e5c04e3b2ac0985599b0c48644721",
}

// Release is the archive of a release, and whether it is known.
func (m *MRtrix3) Release(version string) (stage.Source, bool) {
	sum, known := mrtrix3Releases[version]
	return stage.Source{URL: "https://github.com/MRtrix3/mrtrix3/archive/" + version + ".tar.gz", SHA256: sum}, known
}

// Check reports what is wrong with the settings.
func (m *MRtrix3) Check() error {
	for version, sum := range mrtrix3Releases {
		if sum == m.Source.SHA256 && m.Version != "" && version != m.Version {
			return problem.Refusedf("the source is that of MRtrix3 %s, not of %s", version, m.Version).
				Hint("remove the source, or give that of %s", m.Version)
		}
	}
	if _, known := mrtrix3Releases[m.Version]; known || m.Version == "" || !m.Source.Empty() {
		return nil
	}
	known := strings.Join(slices.Sorted(maps.Keys(mrtrix3Releases)), ", ")
	return problem.Refusedf("no checksum is known for MRtrix3 %s", m.Version).
		Hint("add its source, or use one of %s", known)
}

// Calls is the programs that the scripts run where the image has the stage:
// dwibiascorrect ants corrects with ANTs.
func (m *MRtrix3) Calls() map[string][]string {
	if !m.keeps("dwibiascorrect") {
		return nil
	}
	return map[string][]string{"ants": mrtrix3Scripts["dwibiascorrect"].elsewhere["ants"]}
}

var (
	mrtrix3Build    = []string{"ccache", "g++", "libeigen3-dev", "libfftw3-dev", "libpng-dev", "libtiff-dev", "python3", "zlib1g-dev"}
	mrtrix3GUIBuild = []string{"libgl1-mesa-dev", "libqt5opengl5-dev", "libqt5svg5-dev", "qtbase5-dev"}
)

// mrtrix3Runtime has less because every command pages its help through it.
var (
	mrtrix3Runtime    = []string{"less", "libfftw3-double3", "libpng16-16", "libtiff6", "python3"}
	mrtrix3GUIRuntime = []string{"libgl1", "libqt5core5a", "libqt5gui5", "libqt5network5", "libqt5opengl5", "libqt5svg5", "libqt5widgets5"}
)

// mrtrix3Imp gives Python 3.12 and newer the modules imp and distutils back,
// which the scripts of MRtrix3 before 3.0.5 import (MRtrix3 issue 2995).
var mrtrix3Imp = stage.Debs{
	"debian-13": {"python3-zombie-imp", "python3-setuptools"},
}

// Stage compiles MRtrix3.
func (m *MRtrix3) Stage(g stage.Ground) (stage.Stage, error) {
	runtime, err := m.runtime(g.Run.Facts)
	if err != nil {
		return stage.Stage{}, err
	}
	source, err := m.source().Input(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := m.compile(g.Build, source)
	return stage.Stage{
		Common:  m.Common,
		Licence: stage.Licence{SPDX: "MPL-2.0"},
		Layer:   &layer,
		Inputs:  []llb.Input{source},
		Runtime: runtime,
		Path:    []string{m.Prefix + "/bin"}, Programs: stage.ProgramsIn(m.Prefix+"/bin", m.Commands),
		Questions: []stage.Question{{Key: "MRTRIX3_VERSION", Section: stage.Software, Want: m.Version,
			Command: m.asked() + " --version", Pattern: `^== [a-z0-9_]+ ([0-9][^ ]*).*`}},
		Smoke:  m.checks(),
		Called: m.called(),
	}, nil
}

// source is the one stated, or the release's archive.
func (m *MRtrix3) source() stage.Source {
	if !m.Source.Empty() {
		return m.Source
	}
	source, _ := m.Release(m.Version)
	source.At = m.At
	return source
}

// The script compiles in a fixed folder, so that nothing of the path varies, and
// takes along what MRtrix3 needs at run time: its scripts find lib beside bin.
// They are given the distribution's Python by name, so that a virtual environment
// in front of PATH, which lacks imp and distutils, does not run them.
//
//go:embed scripts/mrtrix3.sh
var mrtrix3Script string

func (m *MRtrix3) compile(on stage.Base, source llb.Input) llb.State {
	return llb.Step{
		Component: m.Name,
		Action:    "compile",
		On:        m.tools(on),
		Script:    llb.Script(mrtrix3Script, llb.Values{"PREFIX": m.Prefix}, llb.Code{"CONFIGURE": m.configure(), "TARGETS": m.targets(), "LEFT": m.removal()}),
		Env: []string{"ARCH=x86-64", "CCACHE_DIR=" + llb.Run + "/ccache", "PYTHONDONTWRITEBYTECODE=1",
			// The programs hold the date of their compilation, and their objects
			// are linked in the order of a Python set.
			fmt.Sprintf("SOURCE_DATE_EPOCH=%d", llb.Epoch), "PYTHONHASHSEED=0"},
		Inputs:  []llb.Mount{{Target: stage.SourceMount, State: source.Fetch(m.Name, here())}},
		Caches:  []llb.Cache{{Target: llb.Run + "/ccache", ID: "medbuild/mrtrix3" + llb.Run + "/ccache"}},
		Secrets: m.Secrets,
		Jobs:    true,
		At:      here(),
	}.Layer(m.Prefix)
}

func (m *MRtrix3) tools(on stage.Base) llb.State {
	packages := mrtrix3Build
	if m.GUI {
		packages = slices.Concat(packages, mrtrix3GUIBuild)
	}
	return llb.Apt{Component: m.Name, Action: "compiler", On: on.Root, Distribution: on.ID(),
		Packages: packages, At: here()}.Root()
}

func (m *MRtrix3) configure() string {
	if m.GUI {
		return ""
	}
	return "-nogui"
}

func (m *MRtrix3) targets() string {
	var all []string
	for _, c := range m.compiled() {
		all = append(all, "bin/"+c)
	}
	return llb.Args(all...)
}

// removal takes away the scripts that lack a command which they call.
func (m *MRtrix3) removal() string {
	var files []string
	for _, name := range m.leftOut() {
		files = append(files, m.Prefix+"/bin/"+name)
	}
	if len(files) == 0 {
		return ""
	}
	return "rm -f " + llb.Args(files...) + "\n"
}

// checks starts a command and, of the scripts that are kept, those that are
// listed or, where all are, one.
func (m *MRtrix3) checks() []stage.Check {
	out := stage.Checks(m.asked() + " -help")
	if m.keeps("dwibiascorrect") {
		out = append(out, stage.Check{Command: "dwibiascorrect -help"})
	}
	for _, name := range m.Commands {
		if _, script := mrtrix3Scripts[name]; script && name != "dwibiascorrect" && name != "gen_scheme" {
			out = append(out, stage.Check{Command: name + " -help"})
		}
	}
	return out
}

func (m *MRtrix3) runtime(on stage.Facts) ([]string, error) {
	names := mrtrix3Runtime
	if m.GUI {
		names = slices.Concat(names, mrtrix3GUIRuntime)
	}
	packages, err := stage.Debs{stage.AnyRelease: names}.Known(on, "libraries that MRtrix3 needs")
	if err != nil {
		return nil, err
	}
	return m.scripts(on, packages)
}

// scripts adds, for the Python scripts before 3.0.5, two modules where Python
// has lost them.
func (m *MRtrix3) scripts(on stage.Facts, packages []string) ([]string, error) {
	if m.mended() || !on.NewPython() {
		return packages, nil
	}
	imp, ok := mrtrix3Imp[on.ID()]
	if !ok {
		return nil, problem.Refusedf("the Python scripts of MRtrix3 %s do not run on Python %s of %s: they import imp and distutils, which were removed in 3.12, and no packages of %s are known that provide them", m.Version, on.PythonVersion(), on.ID(), on.ID()).
			Hint("use MRtrix3 3.0.5 or newer, or a base of one of %s", strings.Join(slices.Sorted(maps.Keys(mrtrix3Imp)), ", "))
	}
	return append(packages, imp...), nil
}

// mended reports whether the scripts of the version run on Python 3.12 and
// newer: since 3.0.5 they do. A version that is not a number is taken for a new one.
func (m *MRtrix3) mended() bool {
	patch, ok := strings.CutPrefix(m.Version, "3.0.")
	n, err := strconv.Atoi(patch)
	return !ok || err != nil || n >= 5
}

// asked is the command that tells the version: every one can.
func (m *MRtrix3) asked() string {
	compiled := m.compiled()
	if len(compiled) == 0 || slices.Contains(compiled, "mrinfo") {
		return "mrinfo"
	}
	return llb.Word(compiled[0])
}
