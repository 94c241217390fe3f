package plan

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/medbuild/medbuild/stages/stage"
)

// List is the components, bases and targets of a file. Its JSON form is stable, as Plan's is.
type List struct {
	Components []Listed       `json:"components"` // in the order of the file
	Bases      []ListedBase   `json:"bases"`      // in the order of the file
	Targets    []ListedTarget `json:"targets"`    // in the order of the file
}

// ListedTarget is a target as the file declares it.
type ListedTarget struct {
	Name       string   `json:"name"`
	Base       string   `json:"base"`       // its name
	Components []string `json:"components"` // their names, in the order of their layers
	Names      []string `json:"names"`      // references of the image
	At         string   `json:"at"`         // where the user wrote it, "file:line:col"
}

// AddTarget lists a target.
func (l *List) AddTarget(t ListedTarget) { l.Targets = append(l.Targets, t) }

// ListedBase is a base as its settings have it.
type ListedBase struct {
	Name    string `json:"name"`
	Address string `json:"address"` // the image, or the file's path as it is stated
	Pin     string `json:"pin"`     // an image's digest; "content" of a file, which is looked at; "" when nothing pins it
	Problem string `json:"problem"` // why it cannot be built on as it stands; "" when it can
	At      string `json:"at"`      // where the user wrote it, "file:line:col"
}

// AddBase lists a base.
func (l *List) AddBase(s stage.BaseSettings) {
	out := ListedBase{Name: s.Name, Address: s.Image + s.OCI + s.Tar, At: s.At.String(), Pin: "content"}
	if s.Image != "" {
		out.Address, out.Pin, _ = strings.Cut(s.Image, "@")
	}
	if err := s.Usable(false); err != nil {
		out.Problem = inOneLine(err)
	}
	l.Bases = append(l.Bases, out)
}

// inOneLine is what an error says, without its hints.
func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// Listed is a component as its settings have it.
type Listed struct {
	Name     string   `json:"name"`
	Stage    string   `json:"stage"`
	Version  string   `json:"version"`
	Prefix   string   `json:"prefix"` // "" when it has no layer
	Licence  Licence  `json:"licence"`
	Inputs   []Input  `json:"inputs"`   // sources, and files of the user's
	Packages []string `json:"packages"` // distribution packages that are the component
	Pinned   bool     `json:"pinned"`   // whether every input is: not where the distribution's mirror or an installer of its own decides what is taken
	Problem  string   `json:"problem"`  // why it cannot be built as it stands; "" when it can
	At       string   `json:"at"`       // where the user wrote it, "file:line:col"
}

// Add lists a component that stands on the base on.
func (l *List) Add(tool stage.Tool, on stage.Base) {
	c := tool.Shared()
	out := Listed{Name: c.Name, Stage: c.Stage, Version: c.Version, Prefix: c.Prefix,
		Packages: []string{}, At: c.At.String()}
	s, err := stage.Make(tool, stage.Ground{Build: on, Run: on})
	if err != nil {
		out.Problem = inOneLine(err)
	}
	if errors.Is(err, stage.ErrUnpinned) { // all else of it can be told
		s, err = stage.Make(tool, stage.Ground{Build: on, Run: on, AllowUnpinned: true})
	}
	taken := s.Inputs
	if err != nil {
		taken = stage.Sources(tool)
	} else {
		out.Licence = Licence(s.Licence)
		out.Packages = packaged(s)
	}
	out.Inputs = inputs(append(taken, stage.Files(tool)...))
	out.Pinned = out.Problem == "" && len(out.Packages) == 0 && s.Fetches == "" && !slices.ContainsFunc(out.Inputs, func(i Input) bool { return i.Pin == "" })
	l.Components = append(l.Components, out)
}

// packaged is the packages that make up a component without a layer.
func packaged(s stage.Stage) []string {
	if s.Layer != nil {
		return []string{}
	}
	return append([]string{}, s.Runtime...)
}

// JSON writes the list as one JSON object.
func (l *List) JSON(w io.Writer) error { return writeJSON(w, l) }

// Table writes the list for people: a line for each component, and one for
// each further input. Pins are cut short.
func (l *List) Table(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(tab, "COMPONENT", "STAGE", "VERSION", "PREFIX", "LICENCE", "PIN", "SOURCE")
	for _, c := range l.Components {
		from := c.sources()
		row(tab, c.Name, c.Stage, c.Version, c.Prefix, c.Licence.String(), from[0].Pin, from[0].Address)
		for _, i := range from[1:] {
			row(tab, "", "", "", "", "", i.Pin, i.Address)
		}
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	if len(l.Bases) > 0 {
		fmt.Fprintln(tab, "\nBASE\tPIN\tSOURCE")
	}
	for _, b := range l.Bases {
		fmt.Fprintf(tab, "%s\t%s\t%s\n", b.Name, short(b.Pin), b.Address)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	if len(l.Targets) > 0 {
		fmt.Fprintln(tab, "\nTARGET\tBASE\tIMAGE\tCOMPONENTS")
	}
	for _, t := range l.Targets {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", t.Name, t.Base, orText(strings.Join(t.Names, " "), "-"), orText(strings.Join(t.Components, " "), "-"))
	}
	return tab.Flush()
}

// sources is the inputs as the table has them, never none.
func (c Listed) sources() []Input {
	var out []Input
	for _, i := range heaped(c.Inputs) {
		out = append(out, Input{Address: i.Address, Pin: short(i.Pin)})
	}
	if len(c.Packages) > 0 {
		out = append(out, Input{Address: "packages " + strings.Join(c.Packages, " "), Pin: "distribution"})
	}
	if len(out) > 0 {
		return out
	}
	if c.Pinned {
		return []Input{{Pin: "-", Address: "-"}}
	}
	return []Input{{Pin: short(""), Address: "-"}}
}

// Problems is why components, and images on bases, cannot be built as they
// stand, a line for each.
func (l *List) Problems() []string {
	var out []string
	for _, b := range l.Bases {
		if b.Problem != "" {
			out = append(out, fmt.Sprintf("%s: base %s: %s", b.At, b.Name, b.Problem))
		}
	}
	for _, c := range l.Components {
		if c.Problem != "" {
			out = append(out, fmt.Sprintf("%s: %s: %s", c.At, c.Name, c.Problem))
		}
	}
	return out
}

// short is a pin cut to what people compare.
func short(pin string) string {
	hex, sha256 := strings.CutPrefix(pin, "sha256:")
	switch {
	case pin == "":
		return "not pinned"
	case sha256:
		return "sha256:" + hex[:min(12, len(hex))]
	}
	return hex[:min(12, len(hex))]
}

// row writes one line. Empty cells at its end are left out.
func row(w io.Writer, cells ...string) {
	for i, c := range cells[1:6] {
		cells[i+1] = orText(c, orBlank(cells[0]))
	}
	fmt.Fprintln(w, strings.Join(cells, "\t"))
}

// orBlank is a dash in a component's own line, nothing in those below it.
func orBlank(name string) string {
	if name == "" {
		return ""
	}
	return "-"
}
