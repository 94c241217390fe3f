package config

import (
	"slices"

	"github.com/medbuild/medbuild/internal/problem"
)

// Part is a table of the file that can be asked for without the others. The zero
// value is what belongs to all of them.
type Part struct {
	Table string // bases, components or targets
	Name  string
}

// BasePart is a base as a part of the file.
func BasePart(name string) Part { return Part{"bases", name} }

// ComponentPart is a component as a part of the file.
func ComponentPart(name string) Part { return Part{"components", name} }

// TargetPart is a target as a part of the file.
func TargetPart(name string) Part { return Part{"targets", name} }

// Wrong is what stands against the parts, or against any where none is named.
func (f *File) Wrong(parts ...Part) error {
	return f.problems.which(func(n noted) bool { return len(parts) == 0 || slices.Contains(parts, n.of) })
}

// Sound reports whether nothing stands against a part.
func (f *File) Sound(p Part) bool { return !f.unsound[p] }

// keep makes the problems the file's.
func (f *File) keep(found problems) {
	f.problems, f.unsound = found, map[Part]bool{}
	for _, n := range found.list {
		f.unsound[n.of] = true
	}
}

// all is everything that is wrong.
func (f *File) all() error { return f.problems.err() }

// common is what stands against the file whatever is asked for: what overrides
// brought, or everything where a part of the file that all targets share is wrong.
func (f *File) common() error {
	for _, n := range f.problems.list {
		if n.of == (Part{}) && n.Class != problem.Usage {
			return f.all()
		}
	}
	return f.problems.which(func(n noted) bool { return n.Class == problem.Usage })
}
