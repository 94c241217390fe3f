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

// Prefixes is the prefixes of an image's components, so that each further one is
// held against all of them at once. The zero value has none.
type Prefixes struct {
	taken map[string]numbered // by prefix, the first that has it
	above map[string]numbered // by folder, the first with a prefix in it
	count int
}

type numbered struct {
	Common
	number int
}

// Add refuses a component that is not Apart from one before it: from the first of
// those. All components are kept, refused ones too.
func (p *Prefixes) Add(c Common) error {
	if c.Prefix == "" {
		return nil
	}
	if p.taken == nil {
		p.taken, p.above = map[string]numbered{}, map[string]numbered{}
	}
	other, meets := p.meets(c.Prefix)
	p.keep(numbered{c, p.count})
	p.count++
	if !meets {
		return nil
	}
	return Apart(other.Common, c)
}

// meets is the first component that has the prefix, a folder above it or one in it.
func (p *Prefixes) meets(prefix string) (numbered, bool) {
	first, found := p.above[prefix]
	for dir := range upwards(prefix) {
		if n, ok := p.taken[dir]; ok && (!found || n.number < first.number) {
			first, found = n, true
		}
	}
	return first, found
}

func (p *Prefixes) keep(n numbered) {
	if _, ok := p.taken[n.Prefix]; !ok {
		p.taken[n.Prefix] = n
	}
	for dir := range upwards(n.Prefix) {
		if _, ok := p.above[dir]; !ok && dir != n.Prefix {
			p.above[dir] = n
		}
	}
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
