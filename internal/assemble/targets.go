package assemble

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// Target is an image to be put together: a base and components.
type Target struct {
	Name     string
	At       problem.Position
	Run      stage.Base                          // what the image stands on
	Tools    []stage.Tool                        // in the order of their layers
	Build    func(component string) stage.Base   // what a component's layer is made on
	Others   func(component string) []stage.Base // what images with that component stand on; nil when nobody asks
	Config   llb.Config                          // what the user adds to the image's configuration
	Manifest Manifest
	Accounts stage.Accounts // how the base's users are changed

	AllowUnpinned bool // take sources that nothing pins, for this run
}

// Image is a target put together.
type Image struct {
	Name   string
	At     problem.Position // of the target in the user's file
	State  llb.State
	Root   llb.State // the base with all runtime packages
	Config llb.Config
	Parts  []Part
	Base   stage.Base
	Apt    bool // the runtime packages make a layer
	Users  bool // so do the accounts
}

// Part is one component of an image.
type Part struct {
	stage.Stage
	Alone llb.State // the base with this component and its runtime packages
	Asked llb.State // what it answered, once its tests passed
	Notes []string  // which images share its layer, and why others do not
}

// Layers is how many layers the image has, the base's included.
func (i Image) Layers() int {
	n := i.Base.Layers + 1 // the manifest
	if i.Apt {
		n++
	}
	if i.Users {
		n++
	}
	if i.Folders() {
		n++
	}
	for _, p := range i.Parts {
		if p.Layer != nil {
			n++
		}
	}
	return n
}

// Folders reports whether the last layer has the folders above what the others
// hold, as the base has them.
func (i Image) Folders() bool { return len(llb.Ancestors(i.places())) > 0 }

// Assemble makes the stages and merges their layers over the base.
func (t Target) Assemble() (Image, error) {
	img := Image{Name: t.Name, At: t.At, Base: t.Run, Config: t.Config}
	var errs []error
	var all []stage.Stage
	for _, tool := range t.Tools {
		s, err := t.stage(tool)
		if err != nil {
			c := tool.Shared()
			errs = append(errs, fmt.Errorf("%s: %s: %w", c.At, c.Name, err))
			continue
		}
		all = append(all, s)
	}
	for _, s := range apartInManifest(all) {
		img.Parts = append(img.Parts, t.part(s))
	}
	if err := errors.Join(append(errs, img.check()...)...); err != nil {
		return Image{}, err
	}
	return t.merge(img), nil
}

func (t Target) stage(tool stage.Tool) (stage.Stage, error) {
	g := stage.Ground{Build: t.Build(tool.Shared().Name), Run: t.Run, AllowUnpinned: t.AllowUnpinned}
	s, err := tool.Stage(g)
	if err != nil {
		return stage.Stage{}, err
	}
	return s, fits(g, s)
}

func (t Target) part(s stage.Stage) Part {
	p := Part{Stage: s, Alone: t.alone(s), Notes: t.sharing(s)}
	p.Asked = ask(s, p.Alone, environment(t.Run, []stage.Stage{s}))
	return p
}

// alone is the base with one component and its runtime packages.
func (t Target) alone(s stage.Stage) llb.State {
	root := llb.Apt{Component: s.Name, Action: "runtime packages", On: t.Run.Root,
		Distribution: t.Run.ID(), Packages: s.Runtime, Slim: true, At: here()}.Root()
	if s.Layer == nil {
		return root
	}
	return llb.Merge(llb.Operation{Component: s.Name, Action: "beside its base"}, root, *s.Layer)
}

// merge puts everything together. apt layers cannot be merged, as each writes
// the whole package database: the target has one step for all packages.
func (t Target) merge(img Image) Image {
	packages := accountPackages(t.Accounts)
	var layers, asked []llb.State
	for _, p := range img.Parts {
		packages = append(packages, p.Runtime...)
		asked = append(asked, p.Asked)
		if p.Layer != nil {
			layers = append(layers, *p.Layer)
		}
	}
	root := llb.Apt{Owner: llb.OfTarget, Component: t.Name, Action: "runtime packages", On: t.Run.Root,
		Distribution: t.Run.ID(), Packages: packages, Slim: true, At: here()}.Root()
	root = withAccounts(t.Name, root, t.Accounts)
	all := append([]llb.State{root}, layers...)
	img.Config = t.config(img.Parts)
	t.Manifest.notices, t.Manifest.login = notices(img.Parts), login(img.Config)
	all = append(all, t.Manifest.layer(t.Run.Root, asked))
	if img.Folders() {
		all = append(all, llb.Parents(t.Name, root, img.places()))
	}
	img.Root, img.Apt, img.Users = root, len(packages) > 0, !t.Accounts.None()
	img.State = llb.Merge(llb.Operation{Owner: llb.OfTarget, Component: t.Name, Action: "merge layers"}, all...)
	return img
}

// config adds what the components need to what the user stated; the user's
// word counts. Of two components that set one variable the first counts, as it
// does on PATH.
func (t Target) config(parts []Part) llb.Config {
	c := t.Config
	c.Path, c.Env = nil, nil
	for _, p := range parts {
		c.Path = append(c.Path, p.Path...)
		c.Env = append(c.Env, missing(c.Env, p.Env)...)
	}
	c.Path = append(slices.Clone(t.Config.Path), c.Path...)
	c.Env = llb.Setenv(c.Env, t.Config.Env...)
	return c
}

// missing is those of the variables that are not in env.
func missing(env, variables []string) []string {
	return slices.DeleteFunc(slices.Clone(variables), func(v string) bool {
		key, _, _ := strings.Cut(v, "=")
		return slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, key+"=") })
	})
}

// environment is what a command in the image has around it.
func environment(base stage.Base, all []stage.Stage) []string {
	var c llb.Config
	for _, s := range all {
		c.Path = append(c.Path, s.Path...)
		c.Env = append(c.Env, s.Env...)
	}
	return c.Environment(base.Env)
}

// places are those of the components' layers and of the script for login shells.
func (i Image) places() []string {
	var out []string
	for _, p := range i.Parts {
		out = append(out, p.Holds()...)
	}
	if login(i.Config) != "" {
		out = append(out, LoginPath)
	}
	return out
}
