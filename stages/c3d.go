package stages

import (
	"slices"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// C3D is Convert3D, from a release archive. Synb0-DISCO calls its
// c3d_affine_tool, which turns FSL's affine transforms into ITK's.
type C3D struct {
	stage.Common
	stage.Bound
	Source   stage.Source `toml:"source" doc:"a release archive"`
	Commands []string     `toml:"commands" doc:"the programs to keep, such as c3d_affine_tool; all but the graphical one when left out"`
}

var (
	_ stage.Checker  = (*C3D)(nil)
	_ stage.Provider = (*C3D)(nil)
)

// Check reports what is wrong with the settings.
func (c *C3D) Check() error {
	if c.Source.Git != "" {
		return problem.Refusedf("c3d cannot be built from a git repository").
			Hint("use a release archive, or the stage make to compile it")
	}
	return c.Fits(c.Source)
}

// c3dVersion finds the version where c3d tells it: "Version 1.0.0", and since
// 1.4.2 "Convert3D Version 1.4.6" (ConvertImageVersion.cxx.in of its source).
const c3dVersion = `Version ([0-9][^ ,]*)`

// Serves reports why a component that calls the programs cannot use this c3d.
func (c *C3D) Serves(programs []string) error { return stage.Serves(c.Name, c.Commands, programs) }

// Stage unpacks the programs.
func (c *C3D) Stage(g stage.Ground) (stage.Stage, error) {
	input, err := c.Source.Input(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := c.unpack(g.Build, input)
	return stage.Stage{
		Common:  c.Common,
		Licence: stage.Licence{SPDX: "GPL-3.0-or-later"},
		Layer:   &layer,
		Inputs:  []llb.Input{input},
		Path:    []string{c.Prefix + "/bin"}, Programs: stage.ProgramsIn(c.Prefix+"/bin", c.Commands),
		Questions: []stage.Question{{Key: "C3D_VERSION", Section: stage.Software, Want: c.Version,
			Command: c.asked(), Pattern: c3dVersion}},
		Smoke: c.checks(),
	}, nil
}

// unpack keeps only bin, without c3d_gui: what lies in lib and share is for
// the latter and for other programs to be compiled with. The archives are named
// tar.gz, but the address that they are best had from ends in /download.
//
// c3d is the one program that tells the version. Where it is not kept, it is
// asked before it goes.
func (c *C3D) unpack(on stage.Base, input llb.Input) llb.State {
	u := stage.Unpacking{Format: "tar.gz", Strip: 1, To: c.Prefix, Keep: c.kept(), Most: c.Most()}
	script := u.Script()
	switch {
	case len(c.Commands) == 0:
		u.Keep, u.Prune = []string{"/bin"}, []string{"bin/c3d_gui"}
		script = u.Script()
	case !c.has("c3d"):
		program := llb.Word(c.Prefix + "/bin/c3d")
		script += "\n" + program + " -version >" + llb.Word(c.versionFile()) + "\nrm " + program
	}
	return llb.Step{
		Component: c.Name,
		Action:    "unpack",
		On:        on.Root,
		Script:    script,
		Inputs:    []llb.Mount{{Target: stage.SourceMount, State: input.Fetch(c.Name, here())}},
		Secrets:   c.Secrets,
		At:        here(),
	}.Layer(c.Prefix)
}

// kept is the programs in the archive that are unpacked, each once: tar finds a
// name that is given twice only once, and fails.
func (c *C3D) kept() []string {
	keep := []string{"bin/c3d"}
	for _, name := range c.Commands {
		if !slices.Contains(keep, "bin/"+name) {
			keep = append(keep, "bin/"+name)
		}
	}
	return keep
}

func (c *C3D) has(name string) bool {
	return len(c.Commands) == 0 || slices.Contains(c.Commands, name)
}

func (c *C3D) versionFile() string { return c.Prefix + "/version.txt" }

func (c *C3D) asked() string {
	if c.has("c3d") {
		return "c3d -version"
	}
	return "cat " + llb.Word(c.versionFile())
}

// checks runs each program that is known to do something without an image:
// c3d_affine_tool inverts the matrix given to it.
func (c *C3D) checks() []stage.Check {
	var out []stage.Check
	if c.has("c3d") {
		out = append(out, stage.Check{Command: "c3d -version"})
	}
	if c.has("c3d_affine_tool") {
		out = append(out, stage.Check{Command: `printf '2 0 0 0\n0 2 0 0\n0 0 2 0\n0 0 0 1\n' >/tmp/m && c3d_affine_tool /tmp/m -inv -info | grep -F 0.50000`})
	}
	return out
}
