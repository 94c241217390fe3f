package archtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// room is a package as the page has it.
type room struct {
	tests   bool     // for tests alone
	rooms   []string // that it may import
	outside []string // packages of others that it may import
	free    bool     // it may import any of those
}

// Headers of the page's tables.
const (
	roomsHeader     = "| room | what lives there | may import | from outside |"
	librariesHeader = "| library | only in |"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// names are the words in backquotes.
func names(cell string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		out = append(out, m[1])
	}
	return out
}

// table is the rows below a header, each as its cells.
func table(page, header string) ([][]string, error) {
	_, rest, ok := strings.Cut(page, header+"\n")
	if !ok {
		return nil, fmt.Errorf("the page has no table with the header %s", header)
	}
	var rows [][]string
	for i, line := range strings.Split(rest, "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != strings.Count(header, "|")-1 {
			return nil, fmt.Errorf("this row has %d cells: %s", len(cells), line)
		}
		if i > 0 { // below the rule
			rows = append(rows, cells)
		}
	}
	return rows, nil
}

// roomsOf reads the table of rooms.
func roomsOf(page string) (map[string]room, error) {
	rows, err := table(page, roomsHeader)
	out := map[string]room{}
	for _, r := range rows {
		name := names(r[0])
		if len(name) != 1 || strings.TrimSpace(r[1]) == "" {
			return nil, fmt.Errorf("a row names one room and says what lives there, not %q", r[0])
		}
		if _, again := out[name[0]]; again {
			return nil, fmt.Errorf("%s is there twice", name[0])
		}
		out[name[0]] = room{tests: strings.Contains(r[0], "(tests)"), rooms: names(r[2]), outside: names(r[3]), free: strings.TrimSpace(r[3]) == "any"}
	}
	return out, err
}

// librariesOf reads in which rooms alone a library may be imported.
func librariesOf(page string) (map[string][]string, error) {
	rows, err := table(page, librariesHeader)
	out := map[string][]string{}
	for _, r := range rows {
		for _, library := range names(r[0]) {
			out[library] = names(r[1])
		}
	}
	return out, err
}

// house is the page's tables.
type house struct {
	rooms     map[string]room
	libraries map[string][]string
}

// faults are the differences between the page and what the packages import.
func (h house) faults(packages map[string][]string) []string {
	var out []string
	for name, imports := range packages {
		r, known := h.rooms[name]
		if !known {
			out = append(out, name+" is not in the table of rooms")
			continue
		}
		out = append(out, h.broken(name, r, imports)...)
		out = append(out, stale(name, r, imports)...)
	}
	for name := range h.rooms {
		if _, there := packages[name]; !there {
			out = append(out, name+" is in the table of rooms, and there is no such package")
		}
	}
	slices.Sort(out)
	return out
}

// broken are the imports that a room's row does not have.
func (h house) broken(name string, r room, imports []string) []string {
	var out []string
	for _, i := range imports {
		if why := h.refuses(name, r, i); why != "" {
			out = append(out, fmt.Sprintf("%s imports %s: %s", name, i, why))
		}
	}
	return out
}

// refuses says why a room may not import something, "" when it may.
func (h house) refuses(name string, r room, imported string) string {
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		switch {
		case !slices.Contains(r.rooms, own):
			return "its row does not list that room"
		case h.rooms[own].tests && !r.tests:
			return "that room is for tests"
		}
		return ""
	}
	for library, only := range h.libraries {
		if within(imported, library) && !slices.Contains(only, name) {
			return "only " + strings.Join(only, ", ") + " may"
		}
	}
	if !standard(imported) && !r.free && !slices.Contains(r.outside, imported) {
		return "its row does not list that package"
	}
	return ""
}

// stale is what a room's row lists and the room does not import.
func stale(name string, r room, imports []string) []string {
	var out []string
	for _, own := range r.rooms {
		if !slices.Contains(imports, module+"/"+own) {
			out = append(out, fmt.Sprintf("%s does not import %s, which its row lists", name, own))
		}
	}
	for _, other := range r.outside {
		if !slices.Contains(imports, other) {
			out = append(out, fmt.Sprintf("%s does not import %s, which its row lists", name, other))
		}
	}
	return out
}

func within(name, tree string) bool { return name == tree || strings.HasPrefix(name, tree+"/") }

func standard(imported string) bool {
	host, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(host, ".")
}
