package stages

import (
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// Conda is a component that is a conda environment, from an exact list of
// packages, and nothing else.
type Conda struct {
	stage.Common
	Lock     stage.File      `toml:"lock" doc:"the packages: size, sha256, address and licence on each line, separated by tabs"`
	Commands []string        `toml:"commands" doc:"the programs to put on PATH; all of the environment's when left out, including its Python and shell"`
	Prune    []stage.Pattern `toml:"prune" doc:"patterns of what to leave out"`
	Keep     []stage.Pattern `toml:"keep" doc:"patterns of what to keep although prune leaves it out"`
	stage.Generic
}

var _ stage.Checker = (*Conda)(nil)

// Check reports what is wrong with the settings.
func (c *Conda) Check() error {
	if _, err := stage.ReadCondaLock(c.Lock); err != nil {
		return err
	}
	return c.Complete(true)
}

// Stage installs the environment.
func (c *Conda) Stage(g stage.Ground) (stage.Stage, error) {
	lock, err := stage.ReadCondaLock(c.Lock)
	if err != nil {
		return stage.Stage{}, err
	}
	s, err := c.Describe(c.Common, g.Run.Facts)
	layer := c.install(g.Build, lock)
	s.Layer, s.Inputs = &layer, lock.Inputs(c.Lock)
	s.Path = append([]string{c.Prefix + "/" + c.bin()}, s.Path...)
	return s, err
}

// bin is the folder for PATH, below the prefix.
func (c *Conda) bin() string {
	if len(c.Commands) > 0 {
		return condaCommands(c.Name)
	}
	return "bin"
}

// condaCommands is the folder, below the prefix, with links to the programs
// that an environment is installed for.
func condaCommands(component string) string { return "share/" + component + "/bin" }

func (c *Conda) install(on stage.Base, lock stage.CondaLock) llb.State {
	env := llb.Conda{
		Component:    c.Name,
		On:           on.Root,
		Distribution: on.ID(),
		Prefix:       c.Prefix,
		Packages:     lock.Inputs(c.Lock),
		Prune:        plain(c.Prune),
		Keep:         plain(c.Keep),
		Secrets:      c.Secrets,
		At:           here(),
	}
	if len(c.Commands) > 0 {
		env.Commands = llb.Commands{Folder: c.bin(), Names: c.Commands}
	}
	return env.Layer()
}

// staticLibraries are for compiling: packages of a compiled tool bring them, and
// nothing needs them at run time.
const staticLibraries = "*.a"

func plain(patterns []stage.Pattern) []string {
	var out []string
	for _, p := range patterns {
		out = append(out, string(p))
	}
	return out
}
