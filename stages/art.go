package stages

import (
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// ART is acpcdetect of the Automatic Registration Toolbox, which finds the
// anterior and posterior commissures.
type ART struct {
	stage.Common
	stage.Bound
	Source stage.Source `toml:"source" doc:"a release archive"`
	Format string       `toml:"format" doc:"the format of the archive"`
	Strip  int          `toml:"strip" doc:"the number of leading folders to remove from the paths in the archive: 1 in MRtrix3's copy, 0 in the releases"`
}

var _ stage.Checker = (*ART)(nil)

// artRuntime is what acpcdetect is linked with (neurocontainers issues 617 and
// 618; MRtrix3's own image has it too). The name is the same in all releases.
var artRuntime = []string{"liblapack3"}

// Check reports what is wrong with the settings.
func (a *ART) Check() error {
	switch {
	case a.Source.Git != "":
		return problem.Refusedf("art cannot be built from a git repository").Hint("use a release archive")
	case a.Strip < 0:
		return problem.Refusedf("strip must be 0 or more")
	}
	return a.Fits(a.Source)
}

// Stage unpacks the toolbox. acpcdetect finds its templates by ARTHOME.
func (a *ART) Stage(g stage.Ground) (stage.Stage, error) {
	name, err := stage.FormatOf(a.Source, a.Format)
	if err != nil {
		return stage.Stage{}, err
	}
	input, err := a.Source.Input(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := unpacked(a.Common, g.Build, input, stage.Unpacking{Format: name, Strip: a.Strip, To: a.Prefix, Most: a.Most()})
	return stage.Stage{
		Common:  a.Common,
		Licence: stage.Licence{SPDX: "LicenseRef-ART", NonCommercial: true},
		Layer:   &layer,
		Inputs:  []llb.Input{input},
		Runtime: artRuntime,
		Path:    []string{a.Prefix + "/bin"},
		Env:     []string{"ARTHOME=" + a.Prefix},
		Questions: []stage.Question{{Key: "ART_VERSION", Section: stage.Software, Want: a.Version,
			Command: "acpcdetect -version", Pattern: `^acpcdetect [Vv]([0-9]+(\.[0-9]+)*)`}},
		Smoke: stage.Checks("acpcdetect -help", `ls "$ARTHOME"/*.nii`),
	}, nil
}
