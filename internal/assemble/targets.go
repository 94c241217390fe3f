// Package assemble turns tools on a base into an image: its stages, its layers and
// their merge, the version manifest, the notices, and a test of each component.
package assemble

import (
	"errors"
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
	Run      stage.Base // what the image stands on
	Members  []Member   // in the order of their layers
	Config   llb.Config // what the user adds to the image's configuration
	Manifest Manifest
	Accounts stage.Accounts // how the base's users are changed

	AllowUnpinned bool // take sources that nothing pins, for this run
}

// Image is a target put together.
type Image struct {
	Name   string
	At     problem.Position // of the target in the user's file
	State  llb.State        // all layers, merged
	Root   llb.State        // the base with all runtime packages, the accounts and what is added to its files
	Layers []Layer          // from the bottom up, the base first
	Config llb.Config
	Parts  []Part
	Base   stage.Base
}

// Part is one component of an image.
type Part struct {
	stage.Stage
	Isolated llb.State // the base with this component and its runtime packages
	Tested   llb.State // what it answered to its questions, once its tests passed
	Outcomes llb.State // what became of each question and check, in OutcomesFile; it differs from run to run
	Notes    []string  // which images share its layer, and why others do not
}

// Assemble makes the stages and merges their layers over the base.
func (t Target) Assemble() (Image, error) {
	img := Image{Name: t.Name, At: t.At, Base: t.Run, Config: t.Config}
	var errs []error
	if err := t.Run.Free(); err != nil {
		errs = append(errs, problem.At(t.At, "base "+t.Run.Name, err))
	}
	var all []stage.Stage
	notes := map[string][]string{}
	for _, m := range t.Members {
		s, err := t.stage(m)
		if err != nil {
			c := m.Tool.Shared()
			errs = append(errs, problem.At(c.At, c.Name, err))
			continue
		}
		all = append(all, s)
		notes[s.Name] = m.Notes
	}
	for _, s := range apartInManifest(all) {
		img.Parts = append(img.Parts, t.part(s, notes[s.Name]))
	}
	if err := errors.Join(append(errs, img.check()...)...); err != nil {
		return Image{}, err
	}
	return t.merge(img), nil
}

func (t Target) stage(m Member) (stage.Stage, error) {
	g := stage.Ground{Build: m.Build, Run: t.Run, AllowUnpinned: t.AllowUnpinned}
	s, err := stage.Make(m.Tool, g)
	if err != nil {
		return stage.Stage{}, err
	}
	return s, fits(g, s)
}

func (t Target) part(s stage.Stage, notes []string) Part {
	p := Part{Stage: s, Isolated: t.isolated(s)}
	if s.Layer != nil {
		p.Notes = notes
	}
	p.Tested, p.Outcomes = tested(s, t.Run, p.Isolated, environment(t.Run, []stage.Stage{s}))
	return p
}

// isolated is the base with one component and its runtime packages.
func (t Target) isolated(s stage.Stage) llb.State {
	root := llb.Apt{Component: s.Name, Action: packagesAction, On: t.Run.Root,
		Distribution: t.Run.ID(), Packages: s.Runtime, Without: s.Without, Slim: true, At: here()}.Root()
	root = withAppended(s, root)
	if s.Layer == nil {
		return root
	}
	return llb.Merge(llb.Operation{Component: s.Name, Action: "beside its base"}, root, *s.Layer)
}

// merge puts everything together.
func (t Target) merge(img Image) Image {
	img.Config = t.config(img.Parts)
	img.Layers = t.layers(img)
	all := merged(img.Layers)
	img.Root = all[0]
	img.State = llb.Merge(t.does(MergeAction), all...)
	return img
}

const packagesAction = "runtime packages"

// packages are all that the image needs: the target has one step for them.
func (t Target) packages(parts []Part) []string {
	out := accountPackages(t.Accounts)
	for _, p := range parts {
		out = append(out, p.Runtime...)
	}
	return out
}

// without is what the image does not get of those packages.
func without(parts []Part) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p.Without...)
	}
	return out
}

// installed is the base with the packages.
func (t Target) installed(packages, without []string) llb.State {
	return llb.Apt{Owner: llb.OfTarget, Component: t.Name, Action: packagesAction, On: t.Run.Root,
		Distribution: t.Run.ID(), Packages: packages, Without: without, Slim: true, At: here()}.Root()
}

// manifest is the layer with the version manifest and what lies beside it.
func (t Target) manifest(img Image) llb.State {
	var answers []llb.State
	for _, p := range img.Parts {
		answers = append(answers, p.Tested)
	}
	t.Manifest.Base = exact(t.Manifest.Base, t.Run.Digest)
	t.Manifest.notices, t.Manifest.login = notices(img.Parts), login(img.Config)
	return t.Manifest.layer(t.Run.Root, answers)
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
