package assemble

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// ProgramsFile is the file of a part's Tested that lists the programs in its
// folders on PATH, a path a line.
const ProgramsFile = "programs"

// listed is the shell that writes ProgramsFile: of the base's folders, which other
// components' programs can lie in too, nothing.
func listed(s stage.Stage, base stage.Base) string {
	folders := slices.DeleteFunc(slices.Clone(s.Path), func(dir string) bool { return slices.Contains(onPath(base.Env), dir) })
	if len(folders) == 0 {
		return ""
	}
	return fmt.Sprintf("programs %s %s\n", llb.Word(path.Join(answersFolder, ProgramsFile)), llb.Args(folders...))
}

func onPath(env []string) []string { return strings.Split(llb.PathOf(env), ":") }

// Hidden is what the components' programs hide of each other on PATH, a line for
// each two with the places of both. Those that settings tell are among Warnings;
// tested has in addition what a component's Tested lists, by the component's name,
// and the result is without what the settings told already.
func (i Image) Hidden(tested map[string][]byte) []string {
	told := i.hidden(nil)
	var out []string
	for _, h := range i.hidden(tested) {
		known := slices.IndexFunc(told, func(other hiding) bool { return other.by == h.by && other.of == h.of })
		if known >= 0 {
			h.programs = slices.DeleteFunc(h.programs, func(p string) bool { return slices.Contains(told[known].programs, p) })
		}
		if len(h.programs) > 0 {
			out = append(out, h.text(i))
		}
	}
	return out
}

// stated is Hidden as far as the settings tell.
func (i Image) stated() []string {
	var out []string
	for _, h := range i.hidden(nil) {
		out = append(out, h.text(i))
	}
	return out
}

// hiding is programs of a part that PATH finds in another first; both by their
// numbers.
type hiding struct {
	by, of   int
	programs []string
}

// mostNamed is how many hidden programs a warning names.
const mostNamed = 5

func (h hiding) text(i Image) string {
	by, of := i.Parts[h.by], i.Parts[h.of]
	names := strings.Join(h.programs[:min(len(h.programs), mostNamed)], ", ")
	if more := len(h.programs) - mostNamed; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s: %s: PATH finds %s in %s (%s) first", of.At, of.Name, names, by.Name, by.At)
}

// found is where PATH finds a program of a part.
type found struct{ part, at int }

// hidden is what parts hide of each other, in their order.
func (i Image) hidden(tested map[string][]byte) []hiding {
	first := map[string]found{}
	var out []hiding
	for _, p := range i.programs(tested) {
		by, taken := first[p.name]
		switch {
		case !taken:
			first[p.name] = p.found
		case by.part != p.part && by.at != p.at:
			out = hide(out, by.part, p.part, p.name)
		}
	}
	slices.SortFunc(out, func(a, b hiding) int { return cmp.Or(a.of-b.of, a.by-b.by) })
	return out
}

func hide(all []hiding, by, of int, name string) []hiding {
	n := slices.IndexFunc(all, func(h hiding) bool { return h.by == by && h.of == of })
	if n < 0 {
		n = len(all)
		all = append(all, hiding{by: by, of: of})
	}
	if !slices.Contains(all[n].programs, name) {
		all[n].programs = append(all[n].programs, name)
	}
	return all
}

// program is one that a part puts on PATH.
type program struct {
	name string
	found
}

// programs are those of all parts, in the order in which PATH finds them.
func (i Image) programs(tested map[string][]byte) []program {
	order := map[string]int{}
	for n, dir := range onPath(i.Config.Environment(i.Base.Env)) {
		if _, again := order[dir]; !again {
			order[dir] = n
		}
	}
	var out []program
	for n, p := range i.Parts {
		for _, file := range append(slices.Clone(p.Programs), p.own(tested[p.Name])...) {
			if at, on := order[path.Dir(file)]; on {
				out = append(out, program{path.Base(file), found{n, at}})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b program) int { return a.at - b.at })
	return out
}

// own are the listed programs that lie in the part's own folders.
func (p Part) own(list []byte) []string {
	var out []string
	for line := range bytes.Lines(list) {
		file := strings.TrimSuffix(string(line), "\n")
		if slices.Contains(p.Path, path.Dir(file)) {
			out = append(out, file)
		}
	}
	return out
}
