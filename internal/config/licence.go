package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
	"github.com/medbuild/medbuild/internal/problem"
)

// maxLicence is the longest expression, in bytes: the library goes down a level for
// every bracket.
const maxLicence = 500

const licenceHint = "the ids are listed at spdx.org/licenses; LicenseRef-… stands for a licence that has none"

// checkLicence refuses a licence that is not an SPDX expression, with the id that was
// meant where one is near.
func (l *loader) checkLicence(expression string, at problem.Position) {
	switch {
	case expression == "" || !spdxRule.form.MatchString(expression): // told elsewhere
	case len(expression) > maxLicence:
		l.problems.add(at, fmt.Sprintf("licence is longer than %d bytes", maxLicence))
	case !isSPDX(expression):
		l.problems.add(at, noSPDX(expression), nearestLicence(expression))
	}
}

func isSPDX(expression string) bool {
	ok, _ := spdxexp.ValidateLicenses([]string{expression})
	return ok
}

// noSPDX says which word of an expression is no id.
func noSPDX(expression string) string {
	if word, ok := strange(expression); ok && word != expression {
		return fmt.Sprintf("licence %q is not an SPDX expression: there is no id %q", expression, word)
	}
	return fmt.Sprintf("licence %q is not an SPDX expression", expression)
}

// strange is the first word of an expression that SPDX does not know.
func strange(expression string) (string, bool) {
	words := strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" ()", r) })
	i := slices.IndexFunc(words, func(w string) bool {
		exception, _ := spdxlicenses.IsException(w)
		return !exception && !slices.Contains([]string{"AND", "OR", "WITH"}, w) && !isSPDX(w)
	})
	if i < 0 {
		return "", false
	}
	return words[i], true
}

// nearestLicence guesses which id was meant, by the expression as a whole, since
// many write an id with blanks, and then by the word that is none.
func nearestLicence(expression string) string {
	word, _ := strange(expression)
	known := slices.Concat(spdxlicenses.GetLicenses(), spdxlicenses.GetExceptions())
	for _, name := range []string{strings.ReplaceAll(expression, " ", "-"), word} {
		if id, ok := closest(name, known); ok {
			return fmt.Sprintf("did you mean %q?", id)
		}
	}
	return licenceHint
}
