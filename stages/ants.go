package stages

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// ANTs comes from a release zip or from conda packages, or is the
// distribution's own package.
type ANTs struct {
	stage.Common
	Source       stage.Source `toml:"source" doc:"a release zip"`
	Lock         stage.File   `toml:"lock" doc:"an exact list of conda packages that includes ants, instead of a release zip"`
	Distribution bool         `toml:"distribution" doc:"use the distribution's package instead of a release zip"`
	Commands     []string     `toml:"commands" doc:"the programs and scripts to keep or, with conda packages, to put on PATH; all when left out"`
}

var _ stage.Provider = (*ANTs)(nil)

// antsCalled is the programs that other components call: one ANTs serves them
// all.
func antsCalled() []string {
	return append((&MRtrix3{}).Calls()["ants"], (&Synb0{}).Calls()["ants"]...)
}

// antsCrashing is the programs that crash in the distribution's build as soon as
// they make a transform, whatever the images: its ITK does not know their types
// (ANTs issue 1825). N4BiasFieldCorrection makes none and works.
var antsCrashing = []string{"ANTS", "WarpImageMultiTransform", "antsAI", "antsApplyTransforms", "antsRegistration"}

// antsCrashingScripts is the scripts of ANTs 2.5.4 that call one of those. Most
// do not look at its exit code: antsRegistrationSyNQuick.sh returns 0 and writes
// nothing.
var antsCrashingScripts = []string{
	"ants.sh", "antsASLProcessing.R", "antsASLProcessing.sh", "antsBrainExtraction.sh", "antsCookTemplatePriors.sh",
	"antsCorticalThickness.sh", "antsIntermodalityIntrasubject.sh", "antsIntroduction.sh", "antsJointLabelFusion.sh",
	"antsJointLabelFusion2.sh", "antsLongitudinalCorticalThickness.sh", "antsLongitudinalJointLabelFusion.sh",
	"antsMultivariateTemplateConstruction.sh", "antsMultivariateTemplateConstruction2.sh", "antsRegistrationSpaceTime.sh",
	"antsRegistrationSyN.sh", "antsRegistrationSyNQuick.sh", "antsaffine.sh", "antswithdt.sh", "asymmetry.sh",
	"basic_ants_example.sh", "buildtemplateparallel.sh", "directlabels.sh", "geodesicinterpolation.sh",
	"guidedregistration.sh", "landmarkmatch.sh", "newAntsExample.sh", "phantomstudy.sh", "runprogramonimageset.pl",
	"shapeupdatetotemplate.sh", "thickstudy.sh", "unbiased_longitudinal_map", "unbiased_pairwise_registration.sh",
	"unbiased_pairwise_registration_with_aux_images.sh", "warpimages.pl", "weightedaverage.sh",
}

// antsLeftOut is what an image does not get of the distribution's package.
func antsLeftOut() []string { return slices.Concat(antsCrashing, antsCrashingScripts) }

// Serves reports why a component that calls the programs cannot use this ANTs.
func (a *ANTs) Serves(programs []string) error {
	crashing := slices.DeleteFunc(slices.Clone(programs), func(p string) bool { return !slices.Contains(antsLeftOut(), p) })
	if a.Distribution && len(crashing) > 0 {
		return problem.Refusedf("%s, left out of the distribution's ANTs because they crash in it (ANTs issue 1825)", strings.Join(crashing, ", ")).
			Hint("use a release zip or a lock of conda packages for %s", a.Name)
	}
	return stage.Serves(a.Name, a.Commands, programs)
}

// antsPackaged is where each distribution's package puts the programs. Their
// names have no prefix there and are on no PATH.
var antsPackaged = map[string]string{"debian-13": "/usr/lib/ants"}

// Stage unpacks or installs ANTs, or asks for its package.
func (a *ANTs) Stage(g stage.Ground) (stage.Stage, error) {
	if a.Distribution {
		return a.packaged(g.Run.Facts)
	}
	own := *a // a itself stays as it was stated
	own.Prefix = cmp.Or(a.Prefix, "/opt/ants")
	switch {
	case a.Lock.Path != "" && !a.Source.Empty():
		return stage.Stage{}, problem.Refusedf("ants has both a source and a lock").Hint("keep one of them")
	case a.Lock.Path != "":
		return own.installed(g)
	case a.Source.Empty() || a.Source.Git != "":
		return stage.Stage{}, problem.Refusedf("ants has neither a release zip as its source nor a lock").
			Hint("add one of them, or distribution = true for the distribution's package")
	}
	return own.unpacked(g)
}

// installed is ANTs from conda packages. What else is in their bin, such as a
// Python, does not come before the base's programs.
func (a *ANTs) installed(g stage.Ground) (stage.Stage, error) {
	lock, err := stage.ReadCondaLock(a.Lock)
	if err != nil {
		return stage.Stage{}, err
	}
	if _, ok := lock.Find("ants"); !ok {
		return stage.Stage{}, problem.Refusedf("%s has no package ants", a.Lock.Path).
			Hint("add it and its dependencies")
	}
	layer := llb.Conda{Component: a.Name, On: g.Build.Root, Distribution: g.Build.ID(), Prefix: a.Prefix,
		Prune:    []string{staticLibraries},
		Packages: lock.Inputs(a.Lock), Secrets: a.Secrets, At: here(),
		Commands: llb.Commands{Folder: condaCommands(a.Name), Package: "ants", Names: a.Commands},
	}.Layer()
	s := a.stage(a.Prefix + "/" + condaCommands(a.Name))
	s.Layer, s.Inputs = &layer, lock.Inputs(a.Lock)
	return s, nil
}

func (a *ANTs) unpacked(g stage.Ground) (stage.Stage, error) {
	source, err := a.Source.Input(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := a.unpack(g.Build, source)
	s := a.stage(a.Prefix + "/bin")
	s.Layer, s.Inputs = &layer, []llb.Input{source}
	return s, nil
}

// The script keeps only bin: of 220 files in a release 100 are static
// libraries, which nothing needs at run time (ANTs issue 1587).
//
//go:embed scripts/ants.sh
var antsScript string

func (a *ANTs) unpack(on stage.Base, source llb.Input) llb.State {
	tools := llb.Apt{Component: a.Name, Action: "unzip", On: on.Root, Distribution: on.ID(),
		Packages: []string{"unzip"}, At: here()}
	return llb.Step{
		Component: a.Name,
		Action:    "unpack",
		On:        tools.Root(),
		Script:    llb.Script(antsScript, llb.Values{"PREFIX": a.Prefix}, llb.Code{"COMMANDS": a.keep()}),
		Inputs:    []llb.Mount{{Target: stage.SourceMount, State: source.Fetch(a.Name, here())}},
		Secrets:   a.Secrets,
		At:        here(),
	}.Layer(a.Prefix)
}

// keep is the programs to keep, as the shell has them.
func (a *ANTs) keep() string {
	if len(a.Commands) == 0 {
		return "*"
	}
	return llb.Args(a.Commands...)
}

func (a *ANTs) packaged(on stage.Facts) (stage.Stage, error) {
	bin, ok := antsPackaged[on.ID()]
	if !ok {
		return stage.Stage{}, problem.Refusedf("no package of ANTs is known for %s", on.ID()).
			Hint("use a release zip as the source instead")
	}
	if a.Prefix != "" || !a.Source.Empty() || a.Lock.Path != "" || len(a.Commands) > 0 {
		return stage.Stage{}, problem.Refusedf("the distribution's ANTs takes no prefix, source, lock or commands").
			Hint("remove them: the package has its programs in %s", bin)
	}
	s := a.stage(bin)
	s.Runtime = []string{"ants"}
	for _, name := range antsLeftOut() {
		s.Without = append(s.Without, bin+"/"+name)
	}
	s.Lacks = strings.Join(antsCrashing, ", ") + " and the scripts that call them, which crash in the distribution's build (ANTs issue 1825): " +
		"use a release zip or a lock of conda packages for them"
	return s, nil
}

// stage is what both have in common. antsRegistration answers with the commit
// after the version in some builds, and Debian adds its own suffix.
func (a *ANTs) stage(bin string) stage.Stage {
	return stage.Stage{
		Common:  a.Common,
		Licence: stage.Licence{SPDX: "Apache-2.0"},
		Path:    []string{bin}, Programs: stage.ProgramsIn(bin, a.Commands),
		Env: []string{"ANTSPATH=" + bin + "/"},
		Questions: []stage.Question{{Key: "ANTS_VERSION", Section: stage.Software, Want: a.Version,
			Command: a.asked() + " --version", Pattern: `^ANTs Version: v?([0-9]+\.[0-9]+\.[0-9]+).*`}},
		Smoke: append(stage.Checks(a.asked()+" --help"), a.called()...),
	}
}

// asked is the program that tells the version: all but the scripts can.
func (a *ANTs) asked() string {
	script := func(name string) bool { return strings.HasSuffix(name, ".sh") }
	programs := slices.DeleteFunc(slices.Clone(a.Commands), script)
	if a.Distribution {
		return "N4BiasFieldCorrection"
	}
	if len(programs) == 0 || slices.Contains(programs, "antsRegistration") {
		return "antsRegistration"
	}
	return llb.Word(programs[0])
}

// called starts each program that other components call, as far as it is kept: a
// release or a lock may lack one. The last check is the one that builds with the
// fault of issue 1825 fail.
func (a *ANTs) called() []stage.Check {
	var out []stage.Check
	for _, c := range antsCalled() {
		if a.Serves([]string{c}) == nil {
			out = append(out, stage.Starts(c))
		}
	}
	if a.Serves([]string{"antsApplyTransforms"}) == nil {
		out = append(out, stage.Check{Command: "antsApplyTransforms -d 3 -t Identity -o 'Linear[/tmp/identity.mat,0]'"})
	}
	return out
}
