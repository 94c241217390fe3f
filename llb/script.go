package llb

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Values are what a script's placeholders stand for: each is a word of the
// shell, or a part of one.
type Values map[string]string

// Code is pieces of shell that a script's placeholders stand for.
type Code map[string]string

var (
	placeholder = regexp.MustCompile(`(?m)'@[A-Z]+@'|"@[A-Z]+@"|^@[A-Z]+@\n|@[A-Z]+@`)
	directive   = regexp.MustCompile(`(?m)^[ \t]*# shellcheck .*\n`)
)

// Fill puts values and code in the place of a script's placeholders, such as
// @PREFIX@. A value is quoted where the shell would take it for more than a word:
// its placeholder stands by itself or in quotes of its own, not within a longer
// string. An empty one is nothing, unless it is in quotes. Code is put in as it
// is; where its placeholder has a line to itself, the code ends that line, and
// none takes the line away. What the script tells shellcheck is left out.
//
// Script and names are medbuild's own. Where they do not match the result is a
// script that says so and fails, so that any test which makes the stage finds it:
// see Incomplete.
func Fill(script string, values Values, code Code) string {
	left := slices.Sorted(maps.Keys(values))
	left = slices.AppendSeq(left, maps.Keys(code))
	filled := placeholder.ReplaceAllStringFunc(directive.ReplaceAllString(script, ""), func(found string) string {
		name := strings.Trim(found, "'\"@\n")
		piece, ok := fill(found, name, values, code)
		if ok {
			left = slices.DeleteFunc(left, func(n string) bool { return n == name })
			return piece
		}
		left = append(left, name)
		return found
	})
	if len(left) > 0 {
		return incomplete(left)
	}
	return filled
}

// fill is what takes the place of a placeholder; false for nothing.
func fill(found, name string, values Values, code Code) (string, bool) {
	if value, ok := values[name]; ok {
		return inPlace(found, value), true
	}
	piece, ok := code[name]
	return piece, ok && !strings.ContainsAny(found[:1], `'"`)
}

// incompleteText is what an incomplete script says.
const incompleteText = "the script of this step is incomplete: "

func incomplete(names []string) string {
	return "echo " + Quote(incompleteText+strings.Join(names, " ")) + " >&2\nexit 70\n" // EX_SOFTWARE
}

// Incomplete reports whether a script is one whose placeholders Fill could not
// match.
func Incomplete(script string) bool { return strings.Contains(script, incompleteText) }

// inPlace is a value where a placeholder was found, with what stood around it.
func inPlace(found, value string) string {
	switch found[0] {
	case '\'':
		return Quote(value)
	case '"':
		if plain.MatchString(value) {
			return `"` + value + `"`
		}
		return Quote(value)
	}
	return Word(value) + strings.TrimLeft(found, "@ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// Script is Fill for the script of a step, which goes on after it.
func Script(script string, values Values, code Code) string {
	return strings.TrimSuffix(Fill(script, values, code), "\n")
}
