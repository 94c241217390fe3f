package stage

import (
	"iter"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// Within reports whether a path is the folder dir or lies in it.
func Within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// Places is the paths that the components of an image write, each with its
// component's number, so that a further one is held against all of them at once.
// The zero value has none.
type Places struct {
	taken map[string]int // by path, the first that has it
	above map[string]int // by folder, the first that has a path in it
}

// Meets is the first component that has the path, a folder above it or a path in it.
func (p *Places) Meets(path string) (number int, found bool) {
	path = strings.TrimSuffix(path, "/")
	number, found = p.above[path]
	for dir := range upwards(path) {
		if n, ok := p.taken[dir]; ok && (!found || n < number) {
			number, found = n, true
		}
	}
	return number, found
}

// Add keeps a path of a component.
func (p *Places) Add(path string, number int) {
	path = strings.TrimSuffix(path, "/")
	if p.taken == nil {
		p.taken, p.above = map[string]int{}, map[string]int{}
	}
	first(p.taken, path, number)
	for dir := range upwards(path) {
		if dir != path {
			first(p.above, dir, number)
		}
	}
}

func first(numbers map[string]int, path string, number int) {
	if before, ok := numbers[path]; !ok || number < before {
		numbers[path] = number
	}
}

// Prefixes is the prefixes of an image's components. The zero value has none.
type Prefixes struct {
	places Places
	all    []Common
}

// Add refuses a component that is not Apart from one before it: from the first of
// those. All components are kept, refused ones too.
func (p *Prefixes) Add(c Common) error {
	if c.Prefix == "" {
		return nil
	}
	other, meets := p.places.Meets(c.Prefix)
	p.places.Add(c.Prefix, len(p.all))
	p.all = append(p.all, c)
	if !meets {
		return nil
	}
	return Apart(p.all[other], c)
}

// upwards is a path and the folders above it, the root left out.
func upwards(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for path != "" && yield(path) {
			path = path[:max(0, strings.LastIndexByte(path, '/'))]
		}
	}
}

// Apart refuses two components of one image whose prefixes are the same or lie
// in each other: their layers would write the same files. A component without a
// prefix cannot overlap.
func Apart(a, b Common) error {
	if a.Prefix == b.Prefix && a.Prefix != "" {
		return problem.Refusedf("%s and %s have the same prefix %s", a.Name, b.Name, a.Prefix).
			Hint("give one of them another prefix")
	}
	if len(a.Prefix) < len(b.Prefix) {
		a, b = b, a // then a can lie in b
	}
	if b.Prefix == "" || !Within(a.Prefix, b.Prefix) {
		return nil
	}
	return problem.Refusedf("the prefix %s of %s is inside %s, the prefix of %s", a.Prefix, a.Name, b.Prefix, b.Name).
		Hint("choose prefixes that do not contain each other")
}
