// Package problem is medbuild's one error: where in the user's file something
// is wrong, whose it is, of which class, what happened, and what the user can
// do about it. Hints are data: they are printed once, after the message,
// however often the error was wrapped on its way up.
package problem

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Error is one problem. Errors made by New wrap their cause: errors.As reaches
// what the engine said, such as BuildKit's errdefs.SolveError.
type Error struct {
	At      Position // in the user's file; the zero value is no place
	Class   Class    // Inherited takes the cause's
	Subject string   // the component, target or base; "" for nobody's
	Message string   // lower case, complete: nothing of Cause is added to it
	Hints   []string // what the user can do, the most useful first
	Cause   error    // what lies behind it; may be nil
}

// New is a problem whose message is formatted as fmt.Errorf does it: what %w
// names is the cause, and its hints and class count as the problem's own.
func New(class Class, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Class: class, Message: err.Error(), Cause: err}
}

// Failedf is a problem of the class Failed.
func Failedf(format string, args ...any) *Error { return New(Failed, format, args...) }

// Refusedf is a problem of the class Refused.
func Refusedf(format string, args ...any) *Error { return New(Refused, format, args...) }

// Usagef is a problem of the class Usage.
func Usagef(format string, args ...any) *Error { return New(Usage, format, args...) }

// Wrapf adds words to a cause whose class stays.
func Wrapf(format string, args ...any) *Error { return New(Inherited, format, args...) }

// Hint is the problem with one hint more, formatted as fmt.Sprintf does it.
func (e *Error) Hint(format string, args ...any) *Error {
	out := *e
	out.Hints = append(slices.Clone(e.Hints), fmt.Sprintf(format, args...))
	return &out
}

// Error is the place, the subject and the message; Text has the hints too.
func (e *Error) Error() string {
	var parts []string
	for _, s := range []string{e.At.String(), e.Subject, e.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Hinted is err with a hint more; nil stays nil.
func Hinted(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return Wrapf("%w", err).Hint(format, args...)
}

// At is err at a place and about a subject, which may be ""; nil stays nil.
func At(at Position, subject string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{At: at, Subject: subject, Message: err.Error(), Cause: err}
}

// As is err with another class; nil stays nil.
func As(class Class, err error) error {
	if err == nil {
		return nil
	}
	return New(class, "%w", err)
}

// Hints lists the hints of err and of all that lies behind it, each once: the
// cause's before those that were added on the way up.
func Hints(err error) []string {
	var out []string
	for _, cause := range causes(err) {
		out = add(out, Hints(cause)...)
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // this level's own alone
		out = add(out, e.Hints...)
	}
	return out
}

func add(all []string, more ...string) []string {
	for _, h := range more {
		if !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	return all
}

// several is an error with more than one cause, single one with one.
type (
	several interface{ Unwrap() []error }
	single  interface{ Unwrap() error }
)

func causes(err error) []error {
	switch e := err.(type) { //nolint:errorlint // one level at a time
	case several:
		return e.Unwrap()
	case single:
		if cause := e.Unwrap(); cause != nil {
			return []error{cause}
		}
	}
	return nil
}

// Text is err for the user: the message, then each hint on a line of its own.
// Of joined errors each has its hints below it; several in a row that have the
// same hints have them once, below the last.
func Text(err error) string {
	var lines, hints []string
	for _, e := range List(err) {
		if next := Hints(e); !slices.Equal(next, hints) {
			lines = append(lines, hintLines(hints)...)
			hints = next
		}
		lines = append(lines, e.Error())
	}
	return strings.Join(append(lines, hintLines(hints)...), "\n")
}

func hintLines(hints []string) []string {
	var out []string
	for _, h := range hints {
		out = append(out, "hint: "+h)
	}
	return out
}

// List is the errors that were joined into err, however deep, or err alone.
// Words that were put around joined errors keep them together.
func List(err error) []error {
	if !isJoin(err) {
		return []error{err}
	}
	var out []error
	for _, e := range causes(err) {
		out = append(out, List(e)...)
	}
	return out
}

// isJoin reports whether err comes of errors.Join, which adds no words.
func isJoin(err error) bool {
	return reflect.TypeOf(err) == reflect.TypeOf(errors.Join(errors.ErrUnsupported))
}
