package stages

import (
	"github.com/medbuild/medbuild/llb"
)

// Archive is a component that is unpacked and nothing else.
type Archive struct {
	Common
	Source Source   `toml:"source" doc:"an archive (tar, tar.gz, tar.bz2, tar.xz, tar.zst, zip) a git repository, or an image and the folder in it"`
	Format string   `toml:"format" doc:"the archive's format, where its address does not end in it"`
	Strip  int      `toml:"strip" doc:"how many folders to take off the paths in the archive"`
	Keep   []string `toml:"keep" form:"glob" doc:"patterns of what to unpack, after strip; everything when left out"`
	Prune  []string `toml:"prune" form:"glob" doc:"patterns of what not to unpack"`
	To     string   `toml:"to" form:"path" doc:"folder below the prefix to unpack into; the prefix itself when left out"`
	Generic
}

// Check reports what is wrong with the settings.
func (a *Archive) Check() error {
	if err := checkTree(a.Source, a.Format, a.Strip); err != nil {
		return err
	}
	return a.check(true)
}

// Stage unpacks the archive.
func (a *Archive) Stage(g Ground) (Stage, error) {
	u, err := a.unpacking()
	if err != nil {
		return Stage{}, err
	}
	input, err := a.Source.Tree(g)
	if err != nil {
		return Stage{}, err
	}
	layer := unpacked(a.Common, g.Build, input, u)
	s, err := a.stage(a.Common, g.Run.Facts)
	s.Layer, s.Inputs = &layer, []llb.Input{input}
	return s, err
}

func (a *Archive) unpacking() (unpacking, error) {
	name, err := formatOf(a.Source, a.Format)
	return unpacking{format: name, folder: a.Source.Path, strip: a.Strip, keep: a.Keep, prune: a.Prune, to: below(a.Prefix, a.To)}, err
}

// unpacked is the layer of a component that is unpacked and nothing else. It
// is made where unpack.go says, with the packages that takes.
func unpacked(c Common, on Base, input llb.Input, u unpacking) llb.State {
	tools := llb.Apt{Component: c.Name, Action: "unpacker", On: on.Root, Distribution: on.ID(),
		Packages: u.packages(), At: here()}
	return llb.Step{
		Component: c.Name,
		Action:    "unpack",
		On:        tools.Root(),
		Script:    u.script(),
		Inputs:    []llb.Mount{{Target: source, State: input.Fetch(c.Name, here())}},
		Secrets:   c.Secrets,
		At:        here(),
	}.Layer(c.Prefix)
}
