package solve

import (
	"strings"

	bk "github.com/moby/buildkit/client/llb"
)

// Name is whose step it is, and what it does.
type Name struct{ Component, Action string }

// nameOf is the name of an operation. Steps without a component have none.
func nameOf(meta bk.OpMetadata) Name {
	text := meta.Description["llb.customname"]
	component, action, ok := strings.Cut(strings.TrimPrefix(text, "["), "] ")
	if !ok {
		return Name{Action: text}
	}
	return Name{component, action}
}

// String is the name as progress shows it.
func (n Name) String() string {
	if n.Component == "" {
		return n.Action
	}
	return "[" + n.Component + "] " + n.Action
}
