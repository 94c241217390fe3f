package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// problems is everything wrong with a file, with those that it names and with
// the overrides, up to a number that nobody reads to the end.
type problems struct {
	list []noted
	of   Part // what is being read
}

// noted is a problem and the part of the file that it stands in the way of.
type noted struct {
	*problem.Error
	of Part
}

// What is told of a file: that many problems, and so much of each, in bytes. A
// file with more is not looked at any further, since guessing what was meant takes
// time for each.
const (
	maxProblems = 100
	maxMessage  = 2000
)

// full reports whether there are more problems than are told.
func (p problems) full() bool { return len(p.list) > maxProblems }

// note keeps a problem, unless there are too many.
func (p *problems) note(all ...*problem.Error) {
	for _, e := range all {
		if p.full() {
			return
		}
		e.Message = cut(e.Message)
		for i, h := range e.Hints {
			e.Hints[i] = cut(h)
		}
		p.list = append(p.list, noted{e, p.of})
	}
}

// within notes the problems that f finds as those of a part, unless they are those
// of one around it.
func (p *problems) within(part Part, f func()) {
	if p.of != (Part{}) {
		f()
		return
	}
	p.of = part
	defer func() { p.of = Part{} }()
	f()
}

// cut is a text without what is too long of it.
func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}

// add notes a problem. Hints that are empty are none.
func (p *problems) add(at problem.Position, message string, hints ...string) {
	hints = slices.DeleteFunc(hints, func(h string) bool { return h == "" })
	p.note(&problem.Error{At: at, Class: classAt(at), Message: message, Hints: hints})
}

// addError notes an error, or each of several that were joined, about a
// component or, without a subject, about nobody.
func (p *problems) addError(at problem.Position, subject string, err error) {
	for _, e := range problem.List(err) {
		one := located(at, e)
		one.Subject = subject
		p.note(one)
	}
}

// located is an error at a place. Its hints stay its own.
func located(at problem.Position, err error) *problem.Error {
	return &problem.Error{At: at, Class: classAt(at), Message: err.Error(), Cause: err}
}

// classAt is the class of what is wrong at a place: flags are the command
// line's.
func classAt(at problem.Position) problem.Class {
	if strings.HasPrefix(at.File, setFlag) || strings.HasPrefix(at.File, mirrorFlag) {
		return problem.Usage
	}
	return problem.Refused
}

// err is all problems.
func (p problems) err() error { return p.which(func(noted) bool { return true }) }

// which is the problems that are wanted, joined, each once, in the order of their
// lines; those of overrides come last. It is nil when there are none. Where a file
// has more than are told, nothing is known of any part: then all are.
func (p problems) which(wanted func(noted) bool) error {
	var list []*problem.Error
	for _, n := range p.list {
		if p.full() || wanted(n) {
			list = append(list, n.Error)
		}
	}
	if p.full() {
		list = append(inOrderOfLines(list)[:maxProblems], unread(list[0]))
	}
	return joined(inOrderOfLines(list))
}

func inOrderOfLines(list []*problem.Error) []*problem.Error {
	slices.SortStableFunc(list, func(a, b *problem.Error) int {
		return cmp.Or(flagsLast(a, b), byFile(a, b), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Col, b.At.Col))
	})
	return list
}

func joined(list []*problem.Error) error {
	var all []error
	seen := map[string]bool{}
	for _, e := range list {
		if text := problem.Text(e); !seen[text] {
			all, seen[text] = append(all, e), true
		}
	}
	return errors.Join(all...)
}

// unread stands for the problems that are not told, after others of which one is
// given.
func unread(one *problem.Error) *problem.Error {
	return &problem.Error{At: problem.Position{File: one.At.File}, Class: one.Class,
		Message: fmt.Sprintf("there are more problems than these %d; nothing else was checked", maxProblems)}
}

// byFile keeps the problems of one file together. Overrides stay in the order
// of the command line.
func byFile(a, b *problem.Error) int {
	if a.At.Line == 0 {
		return 0
	}
	return cmp.Compare(a.At.File, b.At.File)
}

// flagsLast orders places in the file, which have a line, before overrides.
func flagsLast(a, b *problem.Error) int {
	return cmp.Compare(min(b.At.Line, 1), min(a.At.Line, 1))
}
