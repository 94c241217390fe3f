// Package llbtest reads BuildKit definitions for tests: as operations with
// names in place of digests, as text to keep beside a test, and as bytes to
// compare.
package llbtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// Op is one operation of a definition.
type Op struct {
	*pb.Op
	Name     string   // its custom name, numbered where several have the same
	Digest   string   // the key of its metadata and source locations
	From     []string // the names of its inputs, in their order
	Metadata bk.OpMetadata
}

// scratch stands for the empty file system.
const scratch = "scratch"

// End is a state with a name: what a graph is made for.
type End struct {
	Name  string
	State bk.State
}

// Graph is the operations of one or more states, each after its inputs and
// each once.
type Graph struct {
	Ops  []*Op
	Ends map[string]string // name of an end: name of its operation

	seen  map[string]*Op
	names map[string]int
}

// Marshal is the state as BuildKit gets it, for Linux on x86-64.
func Marshal(t testing.TB, s bk.State) *bk.Definition {
	t.Helper()
	def, err := s.Marshal(t.Context(), bk.LinuxAmd64)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return def
}

// Read is the graph of the ends.
func Read(t testing.TB, ends ...End) *Graph {
	t.Helper()
	g := &Graph{Ends: map[string]string{}, seen: map[string]*Op{}, names: map[string]int{}}
	for _, e := range ends {
		if err := g.add(e.Name, Marshal(t, e.State)); err != nil {
			t.Fatalf("read %s: %v", e.Name, err)
		}
	}
	return g
}

// Steps is the operations that run a command.
func (g *Graph) Steps() []*Op {
	return slices.DeleteFunc(slices.Clone(g.Ops), func(o *Op) bool { return o.GetExec() == nil })
}

// Find is the operation of that name, or nil.
func (g *Graph) Find(name string) *Op {
	i := slices.IndexFunc(g.Ops, func(o *Op) bool { return o.Name == name })
	if i < 0 {
		return nil
	}
	return g.Ops[i]
}

// add reads a definition. Its operations come inputs first, and the last one
// does nothing but point at the result. That of the empty file system is empty.
func (g *Graph) add(end string, def *bk.Definition) error {
	if len(def.Def) == 0 {
		g.Ends[end] = scratch
		return nil
	}
	for _, raw := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(raw); err != nil {
			return err
		}
		from, err := g.references(op.Inputs)
		if err != nil {
			return err
		}
		if op.Op == nil {
			g.Ends[end] = from[0]
			return nil
		}
		g.append(&Op{Op: &op, Digest: digest.FromBytes(raw).String(), From: from, Metadata: def.Metadata[digest.FromBytes(raw)]})
	}
	return fmt.Errorf("the definition has no end")
}

func (g *Graph) append(o *Op) {
	if g.seen[o.Digest] != nil {
		return
	}
	name := o.title()
	g.names[name]++
	if n := g.names[name]; n > 1 {
		name = fmt.Sprintf("%s (%d)", name, n)
	}
	o.Name = name
	g.seen[o.Digest] = o
	g.Ops = append(g.Ops, o)
}

// customName is the description of an operation that names it.
const customName = "llb.customname"

// title is the name that an operation has of itself.
func (o *Op) title() string {
	if name := o.Metadata.Description[customName]; name != "" {
		return name
	}
	return o.GetSource().GetIdentifier()
}

func (g *Graph) references(inputs []*pb.Input) ([]string, error) {
	var out []string
	for _, i := range inputs {
		op := g.seen[i.Digest]
		if op == nil {
			return nil, fmt.Errorf("input %s comes before its operation", i.Digest)
		}
		out = append(out, op.output(i.Index))
	}
	return out, nil
}

// output names an output: the operation's name and, where it has several, the
// folder of the step that it was.
func (o *Op) output(index int64) string {
	for _, m := range o.GetExec().GetMounts() {
		if m.Output == index {
			return o.Name + ":" + m.Dest
		}
	}
	if index != 0 {
		return fmt.Sprintf("%s:output %d", o.Name, index)
	}
	return o.Name
}

// Bytes is everything of a definition, source locations included, in one
// order.
func Bytes(t testing.TB, def *bk.Definition) []byte {
	t.Helper()
	data, err := json.Marshal(def.ToPB())
	if err != nil {
		t.Fatalf("definition as JSON: %v", err)
	}
	return data
}
