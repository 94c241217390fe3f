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
type problems []*problem.Error

// What is told of a file: that many problems, and so much of each, in bytes. A
// file with more is not looked at any further, since guessing what was meant takes
// time for each.
const (
	maxProblems = 100
	maxMessage  = 2000
)

// full reports whether there are more problems than are told.
func (p problems) full() bool { return len(p) > maxProblems }

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
		*p = append(*p, e)
	}
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

// err is the problems joined, each once, in the order of their lines; those of
// overrides come last. It is nil when there are none.
func (p problems) err() error {
	slices.SortStableFunc(p, func(a, b *problem.Error) int {
		return cmp.Or(flagsLast(a, b), byFile(a, b), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Col, b.At.Col))
	})
	var all []error
	seen := map[string]bool{}
	if p.full() {
		p = append(p[:maxProblems], unread(p[0]))
	}
	for _, e := range p {
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
