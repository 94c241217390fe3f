package llbtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
)

// Rendering is a graph as golden files hold it. It names operations and not
// their digests, so that a small change is a small difference, and leaves
// source locations out. What has no place of its own stands in an "other": no
// change of an operation goes unseen.
type Rendering struct {
	Ends map[string]string `json:"ends"`
	Ops  []rendered        `json:"ops"`
}

type rendered struct {
	Name   string            `json:"name"`
	Merge  []string          `json:"merge,omitempty"`
	Diff   *diff             `json:"diff,omitempty"`
	Source string            `json:"source,omitempty"`
	Attrs  map[string]string `json:"attrs,omitempty"`
	Files  []action          `json:"files,omitempty"`
	Step   *step             `json:"step,omitempty"`
	Notes  map[string]string `json:"notes,omitempty"` // descriptions beside the name
	Again  bool              `json:"ignoreCache,omitempty"`
}

type diff struct {
	Lower string `json:"lower"`
	Upper string `json:"upper"`
}

type step struct {
	Args    []string `json:"args"`
	Script  []string `json:"script,omitempty"`
	Env     []string `json:"env,omitempty"`
	Cwd     string   `json:"cwd,omitempty"`
	Network string   `json:"network"`
	Mounts  []string `json:"mounts"`
	Other   string   `json:"other,omitempty"`
}

type action struct {
	Kind    string   `json:"kind"`
	On      string   `json:"on"`
	From    string   `json:"from,omitempty"`
	Content []string `json:"content,omitempty"`
	Options string   `json:"options"`
}

// Render is the graph for a golden file.
func (g *Graph) Render() Rendering {
	r := Rendering{Ends: g.Ends}
	for _, o := range g.Ops {
		r.Ops = append(r.Ops, o.render())
	}
	return r
}

func (o *Op) render() rendered {
	r := rendered{Name: o.Name, Notes: maps.Clone(o.Metadata.Description), Again: o.Metadata.IgnoreCache}
	delete(r.Notes, "llb.customname")
	switch {
	case o.GetMerge() != nil:
		r.Merge = o.From
	case o.GetDiff() != nil:
		r.Diff = &diff{Lower: o.input(o.GetDiff().GetLower().GetInput()), Upper: o.input(o.GetDiff().GetUpper().GetInput())}
	case o.GetSource() != nil:
		r.Source, r.Attrs = o.GetSource().Identifier, o.GetSource().Attrs
	case o.GetFile() != nil:
		r.Files = o.actions()
	case o.GetExec() != nil:
		r.Step = o.step()
	}
	return r
}

// input names an input. File operations count their own actions after them.
func (o *Op) input(i int64) string {
	switch n := int64(len(o.From)); {
	case i < 0:
		return scratch
	case i >= n:
		return fmt.Sprintf("action %d", i-n)
	}
	return o.From[i]
}

func (o *Op) step() *step {
	e := o.GetExec()
	args, script := split(e.Meta.Args)
	s := &step{Args: args, Script: script, Env: e.Meta.Env, Network: e.Network.String()}
	if e.Meta.Cwd != "/" {
		s.Cwd = e.Meta.Cwd
	}
	for _, m := range e.Mounts {
		s.Mounts = append(s.Mounts, o.mount(m))
	}
	rest := e.CloneVT()
	rest.Meta.Args, rest.Meta.Env, rest.Meta.Cwd, rest.Mounts, rest.Network = nil, nil, "", nil, 0
	s.Other = compact(rest)
	return s
}

// split takes a shell script off the arguments, as lines.
func split(args []string) (head, script []string) {
	last := len(args) - 1
	if last < 0 || !slices.Contains(args[:last], "-c") {
		return args, nil
	}
	return args[:last], strings.Split(args[last], "\n")
}

// mount is a mount in one line: "secret /run/x id=y mode=400 optional".
func (o *Op) mount(m *pb.Mount) string {
	words := []string{strings.ToLower(m.MountType.String()), m.Dest}
	switch m.MountType {
	case pb.MountType_CACHE:
		words = append(words, "id="+m.CacheOpt.GetID(), "sharing="+m.CacheOpt.GetSharing().String())
	case pb.MountType_SECRET:
		words = append(words, secret(m.SecretOpt)...)
	default:
		words = append(words, "from="+o.input(m.Input)+m.Selector)
		words = appendIf(words, m.Output >= 0, "output")
	}
	words = appendIf(words, m.Readonly, "readonly")
	rest := m.CloneVT()
	rest.Dest, rest.MountType, rest.Input, rest.Selector = "", 0, 0, ""
	rest.Readonly, rest.Output, rest.CacheOpt, rest.SecretOpt = false, 0, nil, nil
	more := compact(rest)
	return strings.Join(appendIf(words, more != "", more), " ")
}

func secret(s *pb.SecretOpt) []string {
	words := []string{"id=" + s.GetID(), fmt.Sprintf("mode=%o", s.GetMode())}
	words = appendIf(words, s.GetUid()+s.GetGid() > 0, fmt.Sprintf("owner=%d:%d", s.GetUid(), s.GetGid()))
	return appendIf(words, s.GetOptional(), "optional")
}

func appendIf(words []string, add bool, word string) []string {
	if add {
		return append(words, word)
	}
	return words
}

// compact is what a message says, in one line without quotes; "" when that is
// nothing.
func compact(message any) string {
	data, err := json.Marshal(message)
	if err != nil {
		return err.Error()
	}
	text := strings.ReplaceAll(string(data), `"`, "")
	if text == "{}" || text == "{meta:{}}" {
		return ""
	}
	return text
}

func (o *Op) actions() []action {
	var out []action
	for _, a := range o.GetFile().Actions {
		r := action{On: o.input(a.Input)}
		var options any
		switch {
		case a.GetCopy() != nil:
			r.Kind, r.From, options = "copy", o.input(a.SecondaryInput), a.GetCopy()
		case a.GetMkdir() != nil:
			r.Kind, options = "mkdir", a.GetMkdir()
		case a.GetMkfile() != nil:
			file := a.GetMkfile().CloneVT()
			r.Content, file.Data = strings.Split(string(file.Data), "\n"), nil
			r.Kind, options = "mkfile", file
		default:
			r.Kind, options = "other", a
		}
		r.Options = compact(options)
		out = append(out, r)
	}
	return out
}
