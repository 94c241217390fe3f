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
	var b strings.Builder
	b.WriteString("digraph plan {\n  rankdir=LR\n  node [shape=box style=rounded fontname=\"sans-serif\"]\n")
	for i, g := range p.groups() {
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s\n", i, dotText(title(g)))
		for _, s := range g.Steps {
			fmt.Fprintf(&b, "    %s [label=%s tooltip=%s]\n", id(s.Digest), dotText(s.Action()), dotText(s.Source))
		}
		b.WriteString("  }\n")
	}
	p.edges(&b, "  %s -> %s\n")
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Mermaid writes the graph of steps as a Mermaid flow chart, one subgraph for
// each component. Many conda packages are one step.
func (p *Plan) Mermaid(w io.Writer) error {
	p = p.heaped()
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, g := range p.groups() {
		fmt.Fprintf(&b, "  subgraph g%d[%s]\n", i, mermaidText(title(g)))
		for _, s := range g.Steps {
			fmt.Fprintf(&b, "    %s[%s]\n", id(s.Digest), mermaidText(s.Action()))
		}
		b.WriteString("  end\n")
	}
	p.edges(&b, "  %s --> %s\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Plan) edges(b *strings.Builder, format string) {
	for _, s := range p.Steps {
		for _, in := range s.Inputs {
			fmt.Fprintf(b, format, id(in), id(s.Digest))
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

// id is a step's name in a picture: enough of its digest to be the only one.
func id(dgst string) string {
	_, hex, _ := strings.Cut(dgst, ":")
	return "s" + hex[:min(16, len(hex))]
}

func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// mermaidText writes characters that mean something in Mermaid by their
// entities.
func mermaidText(s string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "`", "#96;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(s) + `"`
}
