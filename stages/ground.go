package stages

import (
	"slices"
	"strings"
)

// BuildOn is the base that a tool's layer is made on for an image on run: among
// run and the others the one with the oldest C library, so that images on all
// of them share the layer and its programs start in each. Bases on which the
// tool needs libraries of other names (libtiff5 here, libtiff6 there) share
// none: those are left out.
func BuildOn(tool Tool, run Base, others []Base) Base {
	best := run
	for _, b := range others {
		if newer(best.Libc, b.Libc) && slices.Equal(libraries(tool, b), libraries(tool, run)) {
			best = b
		}
	}
	return best
}

// libraries is the shared libraries among the packages that a tool needs at run
// time on a base, sorted. Where it makes no stage, the reason stands for them:
// such a base shares layers with no other.
func libraries(tool Tool, on Base) []string {
	s, err := tool.Stage(Ground{Build: on, Run: on, AllowUnpinned: true})
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, p := range s.Runtime {
		if strings.HasPrefix(p, "lib") {
			// t64 marks a change of 32-bit platforms alone.
			out = append(out, strings.TrimSuffix(p, "t64"))
		}
	}
	slices.Sort(out)
	return out
}
