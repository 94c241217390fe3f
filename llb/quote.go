package llb

import (
	"regexp"
	"strings"
)

// plain is what a shell takes as it stands.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./+:@%=,-]*$`)

// Quote is s as one word of the shell, in quotes.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Word is s as one word of the shell, in quotes where it needs them; nothing when
// s is empty.
func Word(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return Quote(s)
}

// Args is words of the shell with blanks between them.
func Args(words ...string) string {
	var out []string
	for _, w := range words {
		out = append(out, Word(w))
	}
	return strings.Join(out, " ")
}
