package stages

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// Make is a component that is compiled from its source by commands of the
// user's.
type Make struct {
	stage.Common
	stage.Bound
	Source        stage.Source `toml:"source" doc:"an archive (tar, tar.gz, tar.bz2, tar.xz, tar.zst, zip) or a git repository"`
	Format        string       `toml:"format" doc:"the format of the archive, where its address does not end in it"`
	Strip         int          `toml:"strip" doc:"the number of leading folders to remove from the paths in the archive"`
	BuildPackages stage.Debs   `toml:"build_packages" form:"package" keys:"release" doc:"distribution packages needed to compile it, which are in no image: a list, or a table of lists by release"`
	Configure     string       `toml:"configure" form:"shell" doc:"shell command, run in the unpacked source with PREFIX set"`
	Build         string       `toml:"build" form:"shell" doc:"shell command; JOBS and MAKEFLAGS hold the number of parallel jobs"`
	Install       string       `toml:"install" form:"shell" doc:"shell command that installs to PREFIX"`
	stage.Generic
}

var _ stage.Checker = (*Make)(nil)

// Check reports what is wrong with the settings.
func (m *Make) Check() error {
	if m.Install == "" {
		return problem.Refusedf("the component has no install command").
			Hint(`add install = 'make install PREFIX="$PREFIX"'`)
	}
	if err := checkTree(m.Source, m.Bound, m.Format, m.Strip); err != nil {
		return err
	}
	return m.Complete(true)
}

// checkTree reports what is wrong with how a source is unpacked.
func checkTree(s stage.Source, b stage.Bound, format string, strip int) error {
	if strip < 0 {
		return problem.Refusedf("strip must be 0 or more, not %d", strip)
	}
	if s.Empty() {
		return problem.Refusedf("the component has no source").
			Hint(`add source = { url = "…", sha256 = "…" }, or one with git and commit`)
	}
	_, err := stage.FormatOf(s, format)
	return cmp.Or(err, b.Fits(s))
}

// Stage compiles the component.
func (m *Make) Stage(g stage.Ground) (stage.Stage, error) {
	name, err := stage.FormatOf(m.Source, m.Format)
	if err != nil {
		return stage.Stage{}, err
	}
	input, err := m.Source.Input(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer, err := m.compile(g.Build, input, stage.Unpacking{Format: name, Strip: m.Strip, To: makeFolder, Most: m.Most()})
	if err != nil {
		return stage.Stage{}, err
	}
	s, err := m.Describe(m.Common, g.Run.Facts)
	s.Layer, s.Inputs, s.Commands = &layer, []llb.Input{input}, m.commands()
	return s, err
}

// makeFolder is the same for all components, so that nothing of the path
// varies in what is compiled.
const makeFolder = "/tmp/source"

// The script runs each command in a shell of its own, in which a variable that
// is not set is not an error.
//
// Debian's ccache stands in for every compiler of /usr/bin by a link of its name
// in /usr/lib/ccache (ccache(1), "Run modes"). dpkg makes the links before cc and
// c++ are there, which the compilers' own packages make last, so they are made
// once more: CMake takes cc and c++. It is given no compiler launcher as well:
// ccache would take the link for the compiler, and know an object by the version
// of ccache.
//
//go:embed scripts/make.sh
var makeScript string

func (m *Make) compile(on stage.Base, input llb.Input, u stage.Unpacking) (llb.State, error) {
	packages, err := m.BuildPackages.On(on.Facts, "the packages that compile "+m.Name)
	if err != nil {
		return llb.State{}, err
	}
	tools := llb.Apt{Component: m.Name, Action: "compiler", On: on.Root, Distribution: on.ID(),
		Packages: append(append(packages, u.Packages()...), "ccache"), At: here()}
	return llb.Step{
		Component: m.Name,
		Action:    "compile",
		On:        tools.Root(),
		Script:    llb.Script(makeScript, llb.Values{"PREFIX": m.Prefix}, llb.Code{"UNPACK": u.Script() + "\n", "RUN": stage.RunScript, "COMMANDS": m.calls()}),
		Env:       []string{"PREFIX=" + m.Prefix, "CCACHE_DIR=" + llb.Run + "/ccache"},
		Inputs:    []llb.Mount{{Target: stage.SourceMount, State: input.Fetch(m.Name, here())}},
		Caches:    []llb.Cache{{Target: llb.Run + "/ccache", ID: "medbuild/" + m.Name + llb.Run + "/ccache"}},
		Secrets:   m.Secrets,
		Jobs:      true,
		At:        here(),
	}.Layer(m.Prefix), nil
}

// commands are the user's, in the order in which they run.
func (m *Make) commands() []stage.Command {
	all := []stage.Command{{Key: "configure", Text: m.Configure}, {Key: "build", Text: m.Build}, {Key: "install", Text: m.Install}}
	all = slices.DeleteFunc(all, func(c stage.Command) bool { return c.Text == "" })
	for i, c := range all {
		all[i].At = m.Keys[c.Key]
	}
	return all
}

func (m *Make) calls() string {
	var b strings.Builder
	for _, c := range m.commands() {
		b.WriteString(c.Call())
	}
	return b.String()
}
