package plan

import (
	"fmt"
	"strings"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// Step is a node of the build graph.
type Step struct {
	Digest    string   `json:"digest"`    // of its definition, as BuildKit reports it
	Name      string   `json:"name"`      // "[mrtrix3] compile", as progress shows it
	Component string   `json:"component"` // whose it is: a component, "base", "manifest" or a target; "" when several share it
	Kind      string   `json:"kind"`      // "source", "exec", "file", "merge" or "diff"
	Inputs    []string `json:"inputs"`    // digests of the steps it takes something from
	Source    string   `json:"source"`    // line of the stage that made it, "file:line"; "" when none is known
}

// Action is the step's name without whose it is.
func (s Step) Action() string {
	if _, action, ok := named(s.Name); ok {
		return action
	}
	return s.Name
}

// own reports whether the step's name says whose it is. The others are small
// helpers of those; progress displays hide the ones named "[internal]".
func (s Step) own() bool {
	component, _, ok := named(s.Name)
	return ok && component != "internal"
}

// named splits "[component] action".
func named(name string) (component, action string, ok bool) {
	rest, ok := strings.CutPrefix(name, "[")
	if !ok {
		return "", name, false
	}
	return strings.Cut(rest, "] ")
}

// read is the steps of a definition, each after its inputs, as the definition
// has them. Its last entry is no step: it only names the result.
func read(def *bk.Definition) ([]Step, error) {
	var steps []Step
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return nil, fmt.Errorf("read a step of the build graph: %w", err)
		}
		if op.Op != nil {
			steps = append(steps, step(def, digest.FromBytes(data), &op))
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("the build graph has no steps")
	}
	attribute(steps)
	return steps, nil
}

func step(def *bk.Definition, dgst digest.Digest, op *pb.Op) Step {
	s := Step{Digest: dgst.String(), Kind: kind(op), Inputs: []string{}, Source: madeAt(def.Source, dgst)}
	s.Name = def.Metadata[dgst].Description["llb.customname"]
	if s.Name == "" {
		s.Name = s.Kind
	}
	seen := map[string]bool{}
	for _, in := range op.Inputs {
		if !seen[in.Digest] {
			seen[in.Digest] = true
			s.Inputs = append(s.Inputs, in.Digest)
		}
	}
	return s
}

func kind(op *pb.Op) string {
	switch op.Op.(type) {
	case *pb.Op_Source:
		return "source"
	case *pb.Op_Exec:
		return "exec"
	case *pb.Op_File:
		return "file"
	case *pb.Op_Merge:
		return "merge"
	case *pb.Op_Diff:
		return "diff"
	}
	return "other"
}

func madeAt(source *pb.Source, dgst digest.Digest) string {
	for _, l := range source.GetLocations()[dgst.String()].GetLocations() {
		if int(l.SourceIndex) < len(source.Infos) && len(l.Ranges) > 0 {
			return fmt.Sprintf("%s:%d", source.Infos[l.SourceIndex].Filename, l.Ranges[0].Start.Line)
		}
	}
	return ""
}

// attribute gives steps that do not say whose they are to the component that
// uses them, if it is one alone. Users come after what they use, so the last
// step goes first.
func attribute(steps []Step) {
	users := map[string]map[string]bool{}
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		if s.Component = only(users[s.Digest]); s.own() {
			s.Component, _, _ = named(s.Name)
		}
		for _, in := range s.Inputs {
			if users[in] == nil {
				users[in] = map[string]bool{}
			}
			users[in][s.Component] = true
		}
	}
}

func only(names map[string]bool) string {
	if len(names) != 1 {
		return ""
	}
	for n := range names {
		return n
	}
	return ""
}

// group is the steps of one component.
type group struct {
	Name  string
	Steps []Step
}

// groups is all steps by component, bases first, then the components and what
// puts them together. Steps that several share are a group without a name, the
// last.
func (p *Plan) groups() []group {
	steps := map[string][]Step{}
	for _, s := range p.Steps {
		steps[s.Component] = append(steps[s.Component], s)
	}
	var out []group
	for _, name := range p.owners() {
		if len(steps[name]) > 0 {
			out = append(out, group{name, steps[name]})
			delete(steps, name)
		}
	}
	return out
}

func (p *Plan) owners() []string {
	out := []string{"base"}
	for _, t := range p.Targets {
		for _, c := range t.Components {
			out = append(out, c.Name)
		}
	}
	for _, s := range p.Steps {
		if s.Component != "" {
			out = append(out, s.Component)
		}
	}
	return append(out, "")
}
