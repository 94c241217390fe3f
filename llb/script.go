package llb

import (
	"regexp"
	"strings"
)

// directive is a line that speaks to shellcheck alone.
var directive = regexp.MustCompile(`(?m)^# shellcheck .*\n`)

// filled is a script with values in the place of its @NAME@, given as pairs. What
// it tells shellcheck is left out, and its last line goes on.
func filled(script string, pairs ...string) string {
	script = strings.TrimSuffix(directive.ReplaceAllString(script, ""), "\n")
	return strings.NewReplacer(pairs...).Replace(script)
}
