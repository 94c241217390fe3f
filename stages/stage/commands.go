package stage

import (
	"path"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// Serves reports which of the programs are not among the commands that a
// component keeps; none stated keeps all.
func Serves(name string, commands, programs []string) error {
	lacking := slices.DeleteFunc(slices.Clone(programs), func(p string) bool { return slices.Contains(commands, p) })
	if len(commands) == 0 || len(lacking) == 0 {
		return nil
	}
	return problem.Refusedf("%s, which the commands of %s leave out", strings.Join(lacking, ", "), name).
		Hint(`add "%s" to the commands of %s, or leave them out to keep all`, strings.Join(lacking, `", "`), name)
}

// ProgramsIn is the paths of a component's programs: those commands that it keeps.
func ProgramsIn(folder string, commands []string) []string {
	var out []string
	for _, c := range commands {
		out = append(out, path.Join(folder, c))
	}
	return out
}

// StartedScript ends a check whose program may end with any code of its own: 126
// and above are the shell's, for what cannot be run, lacks a library or crashes.
const StartedScript = " || { code=$?; [ $code -lt 126 ] || exit $code; }"

// Starts checks that a program starts, for one that answers a call without
// arguments with a page of help and a code of its own.
func Starts(program string) Check {
	call := llb.Word(program) + " </dev/null"
	return Check{Command: call + StartedScript, Shown: call}
}
