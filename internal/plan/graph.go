package plan

import (
	"cmp"
	"fmt"

	"github.com/medbuild/medbuild/llb"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// Step is a node of the build graph.
type Step struct {
	Digest    string   `json:"digest"`    // of its definition, as BuildKit reports it
	Name      string   `json:"name"`      // "[mrtrix3] compile", as progress shows it
	Owner     string   `json:"owner"`     // whose it is: "component", "base", "manifest" or "target"; "" when several share it
	Component string   `json:"component"` // the name of the component or target; of others the owner's
	Kind      string   `json:"kind"`      // "source", "exec", "file", "merge" or "diff"
	Inputs    []string `json:"inputs"`    // digests of the steps it takes something from
	Source    string   `json:"source"`    // line of the stage that made it, "file:line"; "" when none is known

	does llb.Operation // what the step says of itself
}

// Action is the step's name without whose it is.
func (s Step) Action() string { return s.does.Action }

// own reports whether the step says whose it is. The others are small helpers
// of those.
func (s Step) own() bool { return s.does.Owner != "" }

// owner is whose the step is.
func (s Step) owner() owner { return owner{llb.Owner(s.Owner), s.Component} }

// is reports whether the step belongs to a thing of that sort.
func (s Step) is(sort llb.Owner) bool { return s.Owner == string(sort) }

// owner is whose steps are, with the zero value for those that several share.
type owner struct {
	Sort llb.Owner
	Name string
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
	s.does = llb.OperationOf(def.Metadata[dgst].Description)
	s.does.Action = cmp.Or(s.does.Action, s.Kind)
	s.Name = s.does.Name()
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
	users := map[string]map[owner]bool{}
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		whose := only(users[s.Digest])
		if s.own() {
			whose = owner{s.does.Owner, s.does.Component}
		}
		s.Owner, s.Component = string(whose.Sort), whose.Name
		for _, in := range s.Inputs {
			if users[in] == nil {
				users[in] = map[owner]bool{}
			}
			users[in][whose] = true
		}
	}
}

func only(all map[owner]bool) owner {
	if len(all) != 1 {
		return owner{}
	}
	for o := range all {
		return o
	}
	return owner{}
}

// group is the steps of one owner.
type group struct {
	owner
	Steps []Step
}

// groups is all steps by owner, bases first, then the components and what puts
// them together. Steps that several share are a group without a name, the last.
func (p *Plan) groups() []group {
	steps := map[owner][]Step{}
	for _, s := range p.Steps {
		steps[s.owner()] = append(steps[s.owner()], s)
	}
	var out []group
	for _, o := range p.owners() {
		if len(steps[o]) > 0 {
			out = append(out, group{o, steps[o]})
			delete(steps, o)
		}
	}
	return out
}

func (p *Plan) owners() []owner {
	out := []owner{{llb.OfBase, string(llb.OfBase)}}
	for _, t := range p.Targets {
		for _, c := range t.Components {
			out = append(out, owner{llb.OfComponent, c.Name})
		}
	}
	for _, s := range p.Steps {
		if s.Owner != "" {
			out = append(out, s.owner())
		}
	}
	return append(out, owner{})
}
