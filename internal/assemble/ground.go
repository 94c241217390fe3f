package assemble

import (
	"fmt"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"
)

// BuildOn is the base that a tool's layer is made on for an image on run: among
// run and the others the one with the oldest C library, so that images on all
// of them share the layer and its programs start in each. Bases on which the
// tool needs libraries of other names (libtiff5 here, libtiff6 there) share
// none: those are left out.
func BuildOn(tool stage.Tool, run stage.Base, others []stage.Base) stage.Base {
	best := run
	for _, b := range others {
		if stage.Newer(best.Libc, b.Libc) && slices.Equal(libraries(tool, b), libraries(tool, run)) {
			best = b
		}
	}
	return best
}

// libraries is the shared libraries among the packages that a tool needs at run
// time on a base, sorted. Where it makes no stage, the reason stands for them:
// such a base shares layers with no other.
func libraries(tool stage.Tool, on stage.Base) []string {
	s, err := tool.Stage(stage.Ground{Build: on, Run: on, AllowUnpinned: true})
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

// Unshared says why images on two bases do not share a tool's layer: libraries
// that it needs and that only one of them has under that name. It is "" when
// they share it.
func Unshared(tool stage.Tool, run, other stage.Base) string {
	here, there := libraries(tool, run), libraries(tool, other)
	if slices.Equal(here, there) {
		return ""
	}
	return fmt.Sprintf("not shared with images on %s: it needs %s there, %s here", other.Name, only(there, here), only(here, there))
}

// only is those of a that b lacks.
func only(a, b []string) string {
	var out []string
	for _, name := range a {
		if !slices.Contains(b, name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return "nothing else"
	}
	return strings.Join(out, " ")
}

// Member is a tool of an image and the base that its layer is made on.
type Member struct {
	Tool  stage.Tool
	Build stage.Base
	Notes []string // which images share its layer, and why others do not
}

// Place decides which base a tool's layer is made on for an image on run.
// others are the bases that images with the tool stand on.
func Place(tool stage.Tool, run stage.Base, others []stage.Base) Member {
	m := Member{Tool: tool, Build: BuildOn(tool, run, others)}
	if m.Build.Name != run.Name {
		m.Notes = append(m.Notes, "made on "+m.Build.Name+", whose C library is older: images on both share it")
	}
	for _, other := range others {
		if other.Name == run.Name {
			continue // asking makes the stage twice
		}
		if why := Unshared(tool, run, other); why != "" && !slices.Contains(m.Notes, why) {
			m.Notes = append(m.Notes, why)
		}
	}
	return m
}

// Shareable reports whether a tool makes a layer for an image on run, which
// images on other bases can share: Place wants to know those bases then.
func Shareable(tool stage.Tool, run stage.Base) bool {
	s, err := tool.Stage(stage.Ground{Build: run, Run: run, AllowUnpinned: true})
	return err == nil && s.Layer != nil
}
