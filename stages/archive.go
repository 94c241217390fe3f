package stages

import (
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// Archive is a component that is unpacked and nothing else.
type Archive struct {
	stage.Common
	stage.Bound
	Source stage.Source `toml:"source" doc:"an archive (tar, tar.gz, tar.bz2, tar.xz, tar.zst, zip), a git repository, or an image and the folder in it"`
	Format string       `toml:"format" doc:"the format of the archive, where its address does not end in it"`
	Strip  int          `toml:"strip" doc:"the number of leading folders to remove from the paths in the archive"`
	Keep   []string     `toml:"keep" form:"glob" doc:"patterns of what to unpack, applied after strip; everything when left out"`
	Prune  []string     `toml:"prune" form:"glob" doc:"patterns of what not to unpack"`
	Modes  []string     `toml:"keep_modes" form:"path" doc:"files and folders, below the prefix, that keep their set-uid, set-gid and world-writable bits, which all others lose"`
	To     string       `toml:"to" form:"path" doc:"folder below the prefix to unpack into; the prefix itself when left out"`
	stage.Generic
}

var _ stage.Checker = (*Archive)(nil)

// Check reports what is wrong with the settings.
func (a *Archive) Check() error {
	if err := checkTree(a.Source, a.Bound, a.Format, a.Strip); err != nil {
		return err
	}
	return a.Complete(true)
}

// Stage unpacks the archive.
func (a *Archive) Stage(g stage.Ground) (stage.Stage, error) {
	u, err := a.unpacking()
	if err != nil {
		return stage.Stage{}, err
	}
	input, err := a.Source.Tree(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := unpacked(a.Common, g.Build, input, u)
	s, err := a.Describe(a.Common, g.Run.Facts)
	s.Layer, s.Inputs = &layer, []llb.Input{input}
	return s, err
}

func (a *Archive) unpacking() (stage.Unpacking, error) {
	name, err := stage.FormatOf(a.Source, a.Format)
	u := stage.Unpacking{Format: name, Folder: a.Source.Path, Strip: a.Strip, Keep: a.Keep, Prune: a.Prune,
		To: stage.Below(a.Prefix, a.To), Most: a.Most()}
	for _, f := range a.Modes {
		u.KeepModes = append(u.KeepModes, stage.Below(a.Prefix, f))
	}
	return u, err
}

// unpacked is the layer of a component that is unpacked and nothing else. It
// is made on the build base, with the packages that unpack the format.
func unpacked(c stage.Common, on stage.Base, input llb.Input, u stage.Unpacking) llb.State {
	tools := llb.Apt{Component: c.Name, Action: "unpacker", On: on.Root, Distribution: on.ID(),
		Packages: u.Packages(), At: here()}
	return llb.Step{
		Component: c.Name,
		Action:    "unpack",
		On:        tools.Root(),
		Script:    u.Script(),
		Inputs:    []llb.Mount{{Target: stage.SourceMount, State: input.Fetch(c.Name, here())}},
		Secrets:   c.Secrets,
		At:        here(),
	}.Layer(c.Prefix)
}
