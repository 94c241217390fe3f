package plan

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// Text writes the plan for people. Small helper steps, which the other formats
// have, are left out, and many conda packages are one line.
func (p *Plan) Text(w io.Writer) error {
	p = p.heaped()
	var b strings.Builder
	known := p.byDigest()
	for i, t := range p.Targets {
		if i > 0 {
			b.WriteString("\n")
		}
		t.text(&b, known)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t Target) text(b *strings.Builder, known map[string]Step) {
	fmt.Fprintf(b, "target %s\n\n", t.Name)
	t.Base.text(b)
	t.steps(b, known, func(s Step) bool { return s.is(llb.OfBase) })
	fmt.Fprintf(b, "\n  runtime packages\n    %s\n", orNone(t.Packages))
	for _, c := range t.Components {
		c.text(b)
		t.steps(b, known, func(s Step) bool { return s.owner() == owner{llb.OfComponent, c.Name} })
	}
	b.WriteString("\n  image\n")
	t.steps(b, known, func(s Step) bool { return s.is(llb.OfManifest) || s.is(llb.OfTarget) })
	t.Layers.text(b)
	for _, w := range t.Warnings {
		fmt.Fprintf(b, "\nwarning: %s\n", w)
	}
}

func (base Base) text(b *strings.Builder) {
	fmt.Fprintf(b, "  base %s: %s\n", base.Name, base.Reference)
	line(b, "digest", base.Digest)
	line(b, "distribution", base.Distribution)
	line(b, "C library", base.Libc)
	line(b, "Python", base.Python)
}

func (c Component) text(b *strings.Builder) {
	fmt.Fprintf(b, "\n  %s %s", c.Name, c.Version)
	if c.Stage != c.Name && c.Stage != "" {
		fmt.Fprintf(b, " (stage %s)", c.Stage)
	}
	b.WriteString("\n")
	line(b, "prefix", c.Prefix)
	line(b, "licence", c.Licence.String())
	for _, i := range heaped(c.Inputs) {
		line(b, "input", i.Address)
		line(b, "pinned by", orText(i.Pin, "nothing"))
	}
	line(b, "packages", strings.Join(c.Packages, " "))
	line(b, "without", c.Lacks)
	for _, n := range c.Notes {
		line(b, "layer", n)
	}
}

// steps lists the target's steps that say whose they are.
func (t Target) steps(b *strings.Builder, known map[string]Step, mine func(Step) bool) {
	var all []Step
	width := 0
	for _, d := range t.Steps {
		if s := known[d]; s.own() && mine(s) {
			all = append(all, s)
			width = max(width, len(s.Name))
		}
	}
	for _, s := range all {
		b.WriteString(strings.TrimRight(fmt.Sprintf("    %-*s  %s", width, s.Name, s.Source), " ") + "\n")
	}
}

func (l Layers) text(b *strings.Builder) {
	b.WriteString("\n  layers\n")
	tab := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, s := range l.From {
		count := "unknown"
		if s.Count != nil {
			count = strconv.Itoa(*s.Count)
		}
		fmt.Fprintf(tab, "    %s\t%s\t%s\n", s.Name, count, s.What)
	}
	fmt.Fprintf(tab, "    total\t%s\tof %d\n", l.total(), l.Limit)
	_ = tab.Flush()
	if warning := l.Warning(); warning != nil {
		fmt.Fprintf(b, "\nwarning: %s\n", problem.Text(warning))
	}
}

func (l Layers) total() string {
	if l.Exact {
		return strconv.Itoa(l.Total)
	}
	return strconv.Itoa(l.Total) + " and the base's"
}

// String is the licence's name, "" when it is not known.
func (l Licence) String() string {
	if l.NonCommercial {
		return l.SPDX + " (non-commercial)"
	}
	return l.SPDX
}

func line(b *strings.Builder, key, value string) {
	if value != "" {
		fmt.Fprintf(b, "    %-12s  %s\n", key, value)
	}
}

func orNone(words []string) string { return orText(strings.Join(words, " "), "none") }

func orText(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
