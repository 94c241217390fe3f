package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// Problem is one thing wrong with the file or with an override.
type Problem struct {
	At      problem.Position // a place in the file, or "--set …" as its File
	Message string
	Hint    string // what to do; may be empty
}

// Override reports whether it is wrong with an override, not with a file.
func (p Problem) Override() bool { return strings.HasPrefix(p.At.File, flagPlace) }

// Error is "components.toml:12:3: message", and the hint on a line of its own.
func (p Problem) Error() string {
	text := p.Message
	if at := p.At.String(); at != "" {
		text = at + ": " + text
	}
	if p.Hint != "" {
		text += "\nhint: " + p.Hint
	}
	return text
}

// Problems is everything wrong with a file and those it names, in the order of
// their lines.
// Problems of overrides come last.
type Problems []Problem

// Error is all problems, one after the other.
func (p Problems) Error() string {
	all := make([]string, len(p))
	for i, one := range p {
		all[i] = one.Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap is the problems as errors, for errors.As.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, one := range p {
		all[i] = one
	}
	return all
}

func (p *Problems) add(at problem.Position, message, hint string) {
	*p = append(*p, Problem{At: at, Message: message, Hint: hint})
}

// addError takes the hint out of an error of the stages, where it stands on a
// line of its own.
func (p *Problems) addError(at problem.Position, err error) {
	message, hint, _ := strings.Cut(err.Error(), "\nhint: ")
	p.add(at, message, hint)
}

// err is the problems sorted and without repetitions, nil when there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(flagsLast(a, b), byFile(a, b), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Col, b.At.Col))
	})
	return slices.Compact(p)
}

// byFile keeps the problems of one file together. Overrides stay in the order
// of the command line.
func byFile(a, b Problem) int {
	if a.At.Line == 0 {
		return 0
	}
	return cmp.Compare(a.At.File, b.At.File)
}

// flagsLast orders places in the file, which have a line, before overrides.
func flagsLast(a, b Problem) int {
	return cmp.Compare(min(b.At.Line, 1), min(a.At.Line, 1))
}
