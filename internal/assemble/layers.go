package assemble

import (
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// LayerKind says what a layer is there for.
type LayerKind string

// The kinds, as an image has them from the bottom up.
const (
	BaseLayer      LayerKind = "base"
	PackageLayer   LayerKind = "packages"
	AccountLayer   LayerKind = "accounts"
	AppendLayer    LayerKind = "appended"
	ComponentLayer LayerKind = "component"
	ManifestLayer  LayerKind = "manifest"
	FolderLayer    LayerKind = "folders"
)

// MergeAction is what the step does that lays an image's layers over each other.
const MergeAction = "merge layers"

// Layer is what one thing brings to an image.
type Layer struct {
	Kind  LayerKind
	Name  string        // a component's, or the kind
	What  string        // what is in it: a base, a prefix, a file
	Line  string        // in the image's history
	Count int           // of layers: a base's can be many, or 0 when they are not known; 0 of a component that is packages alone
	Steps llb.Operation // what makes it
	State llb.State     // its files; those of the base, the packages, the accounts and what is added hold what lies below them
}

// LayerCount is how many layers the image has, the base's included.
func (i Image) LayerCount() int {
	n := 0
	for _, l := range i.Layers {
		n += l.Count
	}
	return n
}

// layers are the image's from the bottom up: the base, each component, and what
// else brings a layer.
func (t Target) layers(img Image) []Layer {
	out := t.rootLayers(img.Parts)
	root := top(out)
	for _, p := range img.Parts {
		out = append(out, p.layer())
	}
	out = append(out, one(ManifestLayer, ManifestPath, "version manifest",
		llb.Operation{Owner: llb.OfManifest, Component: manifestName}, t.manifest(img)))
	if places := img.places(); len(llb.Ancestors(places)) > 0 {
		out = append(out, one(FolderLayer, "folders above the prefixes", llb.ParentsAction, t.does(llb.ParentsAction),
			llb.Parents(t.Name, root, places)))
	}
	return out
}

// rootLayers are those that cannot be merged: each is made on the one below, as
// apt and the tools for accounts write whole databases.
func (t Target) rootLayers(parts []Part) []Layer {
	base := one(BaseLayer, t.Run.Name, "base "+t.Run.Reference, llb.Operation{Owner: llb.OfBase, Component: string(llb.OfBase)}, t.Run.Root)
	base.Count = t.Run.Layers
	out := []Layer{base}
	if names := t.packages(parts); len(names) > 0 {
		out = append(out, one(PackageLayer, "distribution packages", packagesAction, t.does(packagesAction), t.installed(names, without(parts))))
	}
	if !t.Accounts.None() {
		out = append(out, one(AccountLayer, "users of the image", accountsAction, t.does(accountsAction), t.withAccounts(top(out))))
	}
	if entries := appends(parts); len(entries) > 0 {
		out = append(out, one(AppendLayer, "files of the base", appendAction, t.does(appendAction), appended(t.does(appendAction), top(out), entries)))
	}
	return out
}

// top is the files of the topmost layer.
func top(layers []Layer) llb.State { return layers[len(layers)-1].State }

func one(kind LayerKind, what, line string, steps llb.Operation, state llb.State) Layer {
	return Layer{Kind: kind, Name: string(kind), What: what, Line: line, Count: 1, Steps: steps, State: state}
}

// does is an operation of the target's.
func (t Target) does(action string) llb.Operation {
	return llb.Operation{Owner: llb.OfTarget, Component: t.Name, Action: action}
}

func (p Part) layer() Layer {
	l := Layer{Kind: ComponentLayer, Name: p.Name, What: "among the packages", Line: strings.TrimSpace(p.Name + " " + p.Common.Version),
		Steps: llb.Operation{Owner: llb.OfComponent, Component: p.Name}}
	if p.Layer != nil {
		l.What, l.Count, l.State = p.Prefix, 1, *p.Layer
	}
	return l
}

// merged is the states that lie over each other in the image. Of the layers that
// are made on each other it is the topmost.
func merged(layers []Layer) []llb.State {
	var root llb.State
	var out []llb.State
	for _, l := range layers {
		switch l.Kind {
		case BaseLayer, PackageLayer, AccountLayer, AppendLayer:
			root = l.State
		default:
			if l.Count > 0 {
				out = append(out, l.State)
			}
		}
	}
	return append([]llb.State{root}, out...)
}
