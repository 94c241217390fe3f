package stage

import (
	"fmt"
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
// Script and names are medbuild's own: Fill panics when they do not match, so
// that any test which makes the stage finds it.
func Fill(script string, values Values, code Code) string {
	left := slices.Sorted(maps.Keys(values))
	left = slices.AppendSeq(left, maps.Keys(code))
	filled := placeholder.ReplaceAllStringFunc(directive.ReplaceAllString(script, ""), func(found string) string {
		name := strings.Trim(found, "'\"@\n")
		left = slices.DeleteFunc(left, func(n string) bool { return n == name })
		if value, ok := values[name]; ok {
			return inPlace(found, value)
		}
		piece, ok := code[name]
		if !ok || strings.ContainsAny(found[:1], `'"`) {
			panic(fmt.Sprintf("a script has %s, which nothing is put in for", found))
		}
		return piece
	})
	if len(left) > 0 {
		panic(fmt.Sprintf("a script has no place for %q", left))
	}
	return filled
}

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
