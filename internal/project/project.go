// Package project is what components.toml and the overrides of a command say:
// the images that can be built, with their names and labels, and what stands
// against building them. It knows no command line and no engine, and reads the
// same from a machine's files as from any other file system.
package project

import (
	"io"
	"io/fs"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/stages/stage"
)

// Project is a components.toml that has been read. Bases, components and
// targets are in the order of the file.
type Project struct {
	Path       string // of the file, as it was given
	Bases      []stage.BaseSettings
	Components []Component
	Targets    []Target // that the file declares
	Notes      []string // what overrides changed beside what they state

	image  config.Image
	byName map[string]Component
	file   *config.File
}

// Component is a tool of the project and the bases that targets take it on.
type Component struct {
	Tool stage.Tool
	On   []stage.BaseSettings // in the order of the targets, each once
}

// Name is the name that the user gave the component.
func (c Component) Name() string { return c.Tool.Shared().Name }

// Open reads the file at path of this machine, and the files that it names: they
// lie in its repository or below one of the allowed folders. Each override is
// "component.key=value". The error has what stands against the file whatever is
// built; what is wrong with bases, components and targets is told by Select of those
// that are asked for, and by Whole.
func Open(path string, overrides []string, allowed ...string) (*Project, error) {
	return made(config.Open(path, overrides, allowed...))
}

// OpenText is Open for the text of a reader, such as standard input. Paths in it
// start in the working folder.
func OpenText(text io.Reader, overrides []string, allowed ...string) (*Project, error) {
	return made(config.OpenText(text, overrides, allowed...))
}

// Read is Open for a file of any file system, which holds what the file names.
func Read(files fs.FS, name string, overrides []string) (*Project, error) {
	return made(config.OpenFS(files, name, overrides))
}

// Whole is everything that is wrong with the file.
func (p *Project) Whole() error { return p.file.Wrong() }

func made(f *config.File, err error) (*Project, error) {
	if err != nil {
		return nil, err
	}
	p := &Project{file: f, Path: f.Path, Notes: f.Notes, Bases: f.Bases, image: f.Image}
	on := basesWith(f)
	p.byName = map[string]Component{}
	for _, tool := range f.Components {
		c := Component{Tool: tool, On: on[tool.Shared().Name]}
		p.Components = append(p.Components, c)
		p.byName[c.Name()] = c
	}
	for _, t := range f.Targets {
		p.Targets = append(p.Targets, p.resolved(f, t))
	}
	return p, nil
}

// basesWith is the bases on which targets take each component. Targets and bases
// that something stands against have no say: they may not be what is asked for.
func basesWith(f *config.File) map[string][]stage.BaseSettings {
	out := map[string][]stage.BaseSettings{}
	known := map[[2]string]bool{}
	for _, t := range f.Targets {
		base, ok := f.Base(t.Base)
		ok = ok && f.Sound(config.TargetPart(t.Name)) && f.Sound(config.BasePart(t.Base))
		for _, c := range t.Components {
			if pair := [2]string{c, t.Base}; ok && !known[pair] {
				out[c], known[pair] = append(out[c], base), true
			}
		}
	}
	return out
}

// Dir is the folder of the file, where relative paths in it start.
func (p *Project) Dir() string { return filepath.Dir(p.Path) }

// Component is the component of that name.
func (p *Project) Component(name string) (Component, bool) {
	c, ok := p.byName[name]
	return c, ok
}
