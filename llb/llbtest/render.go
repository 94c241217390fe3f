package llbtest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
)

// String is the graph as golden files hold it: a line for the ends and a
// paragraph for each operation. It names operations and not their digests, so that a small
// change is a small difference, and leaves out source locations and what the
// engine must be able to do. What has no line of its own stands in the last one,
// "with", or in a step's first, which runs it: no change goes unseen.
func (g *Graph) String() string {
	var ends []string
	for _, name := range slices.Sorted(maps.Keys(g.Ends)) {
		ends = append(ends, word(name)+" is "+line(g.Ends[name]))
	}
	out := []string{"ends: " + strings.Join(ends, ", ")}
	for _, o := range g.Ops {
		out = append(out, o.String())
	}
	return strings.Join(out, blank)
}

// blank is between two paragraphs.
const blank = "\n\n"

// String is the operation as a paragraph.
func (o *Op) String() string {
	p := &paragraph{op: o, lines: []string{line(o.Name)}}
	p.kind()
	p.inputs()
	switch with := strings.Join(p.with, " "); {
	case o.GetExec() != nil:
		p.lines[1] += "; " + with
	case with != "":
		p.add("with", with)
	}
	return strings.Join(p.lines, "\n")
}

// paragraph is an operation while it becomes text.
type paragraph struct {
	op    *Op
	lines []string
	used  []int64  // the inputs that are named, in that order
	with  []string // what has no line of its own
}

func (p *paragraph) add(first string, words ...string) {
	p.lines = append(p.lines, "  "+strings.Join(append([]string{first}, words...), " "))
}

// bar stands before a line of a script or file.
const bar = "  |"

// verbatim adds a text as it is, each of its lines behind a bar.
func (p *paragraph) verbatim(text string) {
	for l := range strings.SplitSeq(text, "\n") {
		if l != "" {
			l = " " + l
		}
		p.lines = append(p.lines, bar+l)
	}
}

func (p *paragraph) kind() {
	switch op := p.op.Op.Op.(type) {
	case *pb.Op_Merge:
		p.merge(op.Merge)
	case *pb.Op_Diff:
		p.diff(op.Diff)
	case *pb.Op_Source:
		p.source(op.Source)
	case *pb.Op_File:
		p.files(op.File)
	case *pb.Op_Exec:
		p.step(op.Exec)
	default:
		p.add("other", value(reflect.ValueOf(&op).Elem()))
	}
}

// inputs adds the inputs unless the lines so far say which they are: all of
// them, in this order.
func (p *paragraph) inputs() {
	inOrder := len(p.used) == len(p.op.From)
	for i, n := range p.used {
		inOrder = inOrder && int64(i) == n
	}
	for _, from := range p.op.From {
		if !inOrder {
			p.add("input", line(from))
		}
	}
	p.rest()
}

// rest takes what all operations may have.
func (p *paragraph) rest() {
	p.platform(p.op.Platform)
	switch c := p.op.Constraints; {
	case c == nil:
		p.with = append(p.with, "Constraints=none")
	case len(c.Filter) > 0:
		p.with = append(p.with, "Constraints="+value(reflect.ValueOf(c)))
	}
	m := p.op.Metadata
	m.Caps, m.Description = nil, p.op.descriptions()
	p.with = append(p.with, fields(reflect.ValueOf(m))...)
}

// descriptions is what is said of the operation beside its name. A component's
// name and an action that the name has too are left out, and that it is a
// component's.
func (o *Op) descriptions() map[string]string {
	out := maps.Clone(o.Metadata.Description)
	component, action, name := out["medbuild.component"], out["medbuild.action"], out[customName]
	if name == action && component == "" || name == "["+component+"] "+action {
		delete(out, "medbuild.component")
		delete(out, "medbuild.action")
	}
	if out["medbuild.owner"] == "component" {
		delete(out, "medbuild.owner")
	}
	delete(out, customName)
	if len(out) == 0 {
		return nil
	}
	return out
}

func (p *paragraph) platform(on *pb.Platform) {
	short := pb.Platform{OS: on.GetOS(), Architecture: on.GetArchitecture()}
	switch {
	case on == nil:
	case short.OS != "" && short.Architecture != "" && on.EqualVT(&short):
		p.with = append(p.with, "Platform="+word(on.OS+"/"+on.Architecture))
	default:
		p.with = append(p.with, "Platform="+value(reflect.ValueOf(on)))
	}
}

// input names an input. File operations count their own actions after them.
func (p *paragraph) input(i int64) string {
	switch n := int64(len(p.op.From)); {
	case i == none:
		return scratch
	case i < 0:
		return fmt.Sprintf("input %d", i)
	case i >= n:
		return fmt.Sprintf("action %d", i-n)
	}
	if !slices.Contains(p.used, i) {
		p.used = append(p.used, i)
	}
	return line(p.op.From[i])
}

// none is the index of an input, or of an output, that is not there.
const none = int64(pb.Empty)

func (p *paragraph) merge(m *pb.MergeOp) {
	if len(m.GetInputs()) == 0 {
		p.add("merge")
	}
	for _, i := range m.GetInputs() {
		p.add("merge", p.input(i.GetInput()))
	}
}

func (p *paragraph) diff(d *pb.DiffOp) {
	lower, upper := d.GetLower(), d.GetUpper()
	switch {
	case lower == nil || upper == nil:
		p.add("diff", value(reflect.ValueOf(d)))
	default:
		p.add("diff lower", p.input(lower.Input))
		p.add("diff upper", p.input(upper.Input))
	}
}

func (p *paragraph) source(s *pb.SourceOp) {
	p.add("source", line(s.GetIdentifier()))
	for _, key := range slices.Sorted(maps.Keys(s.GetAttrs())) {
		p.add("attr", word(key), line(s.Attrs[key]))
	}
}

func (p *paragraph) files(f *pb.FileOp) {
	if len(f.GetActions()) == 0 {
		p.add("no files")
	}
	for i, a := range f.GetActions() {
		p.action(a, i == len(f.Actions)-1)
	}
}

// action adds an action on files: what it does, whence and onto what. Only the
// last one has an output.
func (p *paragraph) action(a *pb.FileAction, last bool) {
	verb, options := p.verb(a)
	if usual := map[bool]int64{false: none, true: 0}; a.Output != usual[last] {
		options = append(options, fmt.Sprintf("output=%d", a.Output))
	}
	if a.Input != none {
		options = append(options, "onto", p.input(a.Input))
	}
	if a.SecondaryInput != none {
		options = append(options, "from", p.input(a.SecondaryInput))
	}
	p.add(verb, options...)
	if file := a.GetMkfile(); file != nil {
		p.verbatim(string(file.Data))
	}
}

func (p *paragraph) verb(a *pb.FileAction) (verb string, options []string) {
	switch act := a.Action.(type) {
	case *pb.FileAction_Copy:
		return "copy", fields(reflect.ValueOf(act.Copy))
	case *pb.FileAction_Mkdir:
		return "mkdir", fields(reflect.ValueOf(act.Mkdir))
	case *pb.FileAction_Mkfile:
		file := act.Mkfile.CloneVT()
		file.Data = nil
		return "mkfile", fields(reflect.ValueOf(file))
	}
	return "other", []string{value(reflect.ValueOf(&a.Action).Elem())}
}
