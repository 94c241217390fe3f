package assemble

import "github.com/medbuild/medbuild/stages/stage"

// Assumed is a base for a listing where none is known: of a release that every
// stage knows. Sources and licences are the same on all bases; a source on the
// distribution's mirror has the address "debian:path".
func Assumed() stage.Base { return assumed()[0] }

// assumed is the releases to try in turn: what a file says of one release's
// packages alone can be listed too.
func assumed() []stage.Base {
	var all []stage.Base
	for _, r := range stage.Releases() {
		f := r.Facts()
		f.Mirror = "debian:"
		all = append(all, stage.Base{Facts: f})
	}
	return all
}

// Fitting is the first of the assumed bases on which the component can be made,
// but for its pins; Assumed when there is none.
func Fitting(tool stage.Tool) stage.Base {
	for _, b := range assumed() {
		if _, err := tool.Stage(stage.Ground{Build: b, Run: b, AllowUnpinned: true}); err == nil {
			return b
		}
	}
	return Assumed()
}
