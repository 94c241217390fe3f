package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// JSON writes the plan as one JSON object.
func (p *Plan) JSON(w io.Writer) error { return writeJSON(w, p) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// DOT writes the graph of steps in Graphviz's language, one cluster for each
// component. Many conda packages are one step.
func (p *Plan) DOT(w io.Writer) error {
	p = p.heaped()
	ids := p.ids()
	var b strings.Builder
	b.WriteString("digraph plan {\n  rankdir=LR\n  node [shape=box style=rounded fontname=\"sans-serif\"]\n")
	for i, g := range p.groups() {
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s\n", i, dotText(title(g)))
		for _, s := range g.Steps {
			fmt.Fprintf(&b, "    %s [label=%s tooltip=%s]\n", ids[s.Digest], dotText(s.Action()), dotText(orText(s.Source, s.Name)))
		}
		b.WriteString("  }\n")
	}
	p.edges(&b, ids, "  %s -> %s\n")
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Mermaid writes the graph of steps as a Mermaid flow chart, one subgraph for
// each component. Many conda packages are one step.
func (p *Plan) Mermaid(w io.Writer) error {
	p = p.heaped()
	ids := p.ids()
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, g := range p.groups() {
		fmt.Fprintf(&b, "  subgraph g%d[%s]\n", i, mermaidText(title(g)))
		for _, s := range g.Steps {
			fmt.Fprintf(&b, "    %s[%s]\n", ids[s.Digest], mermaidText(s.Action()))
		}
		b.WriteString("  end\n")
	}
	p.edges(&b, ids, "  %s --> %s\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Plan) edges(b *strings.Builder, ids map[string]string, format string) {
	for _, s := range p.Steps {
		for _, in := range s.Inputs {
			fmt.Fprintf(b, format, ids[in], ids[s.Digest])
		}
	}
}

func title(g group) string {
	switch g.Sort {
	case "":
		return "shared"
	case llb.OfTarget: // it may have a component's name
		return "target " + g.Name
	}
	return g.Name
}

// ids are the steps' names in a picture, by digest: numbers in the order in
// which they are drawn, so that a picture changes only where the graph does.
func (p *Plan) ids() map[string]string {
	out := map[string]string{}
	for _, g := range p.groups() {
		for _, s := range g.Steps {
			out[s.Digest] = fmt.Sprintf("n%d", len(out)+1)
		}
	}
	return out
}

func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// mermaidText writes characters that mean something in Mermaid by their
// entities.
func mermaidText(s string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "`", "#96;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(s) + `"`
}
