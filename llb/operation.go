package llb

import (
	"cmp"

	bk "github.com/moby/buildkit/client/llb"
)

// Operation says whose an operation of the graph is and what it does. It lies in
// the operation's description, which is no part of its cache key: programs read
// it there, and people read its Name.
type Operation struct {
	Owner     Owner  // "" of a helper, such as an empty folder that several components can share
	Component string // the name of the component or target; of others the owner's
	Action    string // such as "compile"
}

// Owner is a sort of thing that operations belong to. Names do not tell: a
// component can be called base, and a target can have a component's name.
type Owner string

// The owners. A step that names a component and no owner is the component's.
const (
	OfComponent Owner = "component"
	OfBase      Owner = "base"
	OfManifest  Owner = "manifest"
	OfTarget    Owner = "target"
)

// The keys of an operation's description.
const (
	NameKey      = "llb.customname" // BuildKit's own: what progress shows
	OwnerKey     = "medbuild.owner"
	ComponentKey = "medbuild.component"
	ActionKey    = "medbuild.action"
)

// Name is the operation as people read it: "[mrtrix3] compile", or the action
// alone where it is nobody's.
func (o Operation) Name() string {
	if o.Component == "" {
		return o.Action
	}
	return "[" + o.Component + "] " + o.Action
}

// Within reports whether o is one of those that of stands for: of the same owner
// and name, and with the same action where of states one.
func (o Operation) Within(of Operation) bool {
	return o.Owner == of.Owner && o.Component == of.Component && (of.Action == "" || o.Action == of.Action)
}

// OperationOf reads an operation's description. One that was not made here has
// the name that is shown as its action.
func OperationOf(description map[string]string) Operation {
	return Operation{
		Owner:     Owner(description[OwnerKey]),
		Component: description[ComponentKey],
		Action:    cmp.Or(description[ActionKey], description[NameKey]),
	}
}

// described writes the description.
func (o Operation) described() bk.ConstraintsOpt {
	all := map[string]string{NameKey: o.Name(), ActionKey: o.Action}
	if o.Component != "" {
		all[OwnerKey], all[ComponentKey] = string(cmp.Or(o.Owner, OfComponent)), o.Component
	}
	return bk.WithDescription(all)
}

// helper is an operation that belongs to whoever uses it.
func helper(action string) bk.ConstraintsOpt { return Operation{Action: action}.described() }

// ofBase is an operation of a base.
func ofBase(action string) bk.ConstraintsOpt {
	return Operation{Owner: OfBase, Component: string(OfBase), Action: action}.described()
}
