package stages

import (
	_ "embed"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// FreeSurfer is unpacked from a release's archive or copied from an image.
type FreeSurfer struct {
	stage.Common
	Source  stage.Source    `toml:"source" doc:"a release archive, or an image and the folder in it"`
	Profile string          `toml:"profile" doc:"what to keep: full, recon-all or synb0"`
	Prune   []stage.Pattern `toml:"prune" doc:"patterns of what to leave out in addition"`
	Keep    []stage.Pattern `toml:"keep" doc:"patterns of what to keep although the profile or prune leaves it out"`
	Licence string          `toml:"licence" doc:"the path of the licence file when a container runs; the image itself contains none"`
	Owner   string          `toml:"owner" doc:"numeric user and group, such as 1000:100, who own a licence file that root writes at start"`
}

var _ stage.Checker = (*FreeSurfer)(nil)

// freesurferAverage stays in every profile: MRtrix3 and the service's pipelines
// map to it.
const freesurferAverage = "subjects/fsaverage"

// profile is what a part of FreeSurfer leaves out, and what it keeps of that.
type profile struct {
	prune, keep []stage.Pattern
	runtime     stage.Debs
	smoke       []string
	without     []string // folders that an environment variable would name
}

// freesurferReconAll leaves out what recon-all does not read: the lists that
// the service uses for its slim image and for its full one (1.4.1, January
// 2026), without what broke there. talairach_avi reads any of the 4dfp atlases,
// and releases differ in their .gca files: those stay.
var freesurferReconAll = []stage.Pattern{
	"average/Yeo_Brainmap_MNI152", "average/cvs_avg35*", "average/mult-comp-cor",
	"bin/*_cuda", "bin/*_gui*", "bin/freeview*", "bin/qdec*", "bin/tkmedit*", "bin/tksurfer*",
	"/diffusion", "docs/*.pdf", "/fsafd", "/fsfast", "lib/KWWidgets", "lib/cuda", "lib/qt", "lib/tcltktixblt", "lib/vtk",
	"/matlab", "subjects/*", "/tktools", "/trctrain",
}

// freesurferSynb0 is what normalize_T1.sh of Synb0-DISCO calls, and what that
// calls: mri_nu_correct.mni runs nu_correct of MNI, a Perl script, or the N4 of
// ANTs built into newer releases. 6.0.0 has programs behind wrappers, with .bin.
var freesurferSynb0 = []stage.Pattern{
	"/FreeSurferColorLUT.txt", "/FreeSurferEnv.*", "/LICENSE*", "/README*", "/SetUpFreeSurfer.*", "/build-stamp.txt", "/sources.*",
	"bin/AntsN4BiasFieldCorrectionFs", "bin/N3BiasFieldCorrection", "bin/fs-check-version", "bin/fs_temp_dir", "bin/fsr-getxopts",
	"bin/getfullpath", "bin/mri_add_xform_to_header", "bin/mri_binarize", "bin/mri_binarize.bin", "bin/mri_convert", "bin/mri_convert.bin",
	"bin/mri_info", "bin/mri_info.bin", "bin/mri_make_uchar", "bin/mri_normalize", "bin/mri_normalize.bin", "bin/mri_nu_correct.mni",
	"bin/mri_segstats", "bin/mri_segstats.bin", "bin/mris_calc", "bin/mris_calc.bin", "docs/license*", "/mni",
}

// freesurferProfiles are the profiles by name.
func freesurferProfiles() map[string]profile {
	commands := stage.Debs{"any": {"bc", "libgomp1", "perl", "tcsh"}}
	gui := stage.Debs{"any": append(slices.Clone(commands["any"]), "libgl1", "libglu1-mesa", "libsm6", "libxext6", "libxmu6", "libxrender1", "xxd")}
	return map[string]profile{
		"full":      {runtime: gui, smoke: []string{"recon-all -version"}},
		"recon-all": {prune: freesurferReconAll, runtime: commands, smoke: []string{"recon-all -version"}, without: []string{"fsfast"}},
		"synb0":     {prune: []stage.Pattern{"*"}, keep: freesurferSynb0, runtime: commands, without: []string{"fsfast"}},
	}
}

// Check reports what is wrong with the settings.
func (f *FreeSurfer) Check() error {
	known := freesurferProfiles()
	switch _, ok := known[f.Profile]; {
	case !ok:
		return problem.Refusedf("FreeSurfer has no profile %q", f.Profile).
			Hint("the profiles are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	case f.Source.Git != "":
		return problem.Refusedf("freesurfer cannot be built from a git repository").
			Hint("use a release archive, or an image and the folder in it")
	case f.Owner != "" && !stage.OwnerForm.MatchString(f.Owner):
		return problem.Refusedf("owner %q is not a numeric user and group", f.Owner).
			Hint(`write numbers, as in owner = "1000:100"`)
	case !path.IsAbs(f.Licence) || strings.HasPrefix(f.Licence, f.Prefix+"/"):
		return problem.Refusedf("licence %q is not an absolute path outside the prefix", f.Licence).
			Hint("choose a path such as /run/freesurfer/license.txt")
	}
	return nil
}

//go:embed scripts/freesurfer.sh
var freesurferScript string

//go:embed scripts/fs-license
var freesurferLicence string

// Stage unpacks FreeSurfer.
func (f *FreeSurfer) Stage(g stage.Ground) (stage.Stage, error) {
	if err := f.Check(); err != nil {
		return stage.Stage{}, err
	}
	keeps := freesurferProfiles()[f.Profile]
	runtime, err := keeps.runtime.Known(g.Run.Facts, "runtime packages of FreeSurfer")
	if err != nil {
		return stage.Stage{}, err
	}
	source, err := f.Source.Tree(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := f.unpack(g.Build, source, keeps)
	return stage.Stage{
		Common:  f.Common,
		Licence: stage.Licence{SPDX: "LicenseRef-FreeSurfer", NonCommercial: true},
		Layer:   &layer,
		Inputs:  []llb.Input{source},
		Runtime: runtime,
		Path:    []string{f.Prefix + "/bin", f.Prefix + "/mni/bin"},
		Env:     f.env(keeps),
		Questions: []stage.Question{{Key: "FREESURFER_VERSION", Section: stage.Software, Want: f.release(),
			Command: "cat " + llb.Word(f.Prefix+"/build-stamp.txt"), Pattern: `^freesurfer-.*-v?([0-9]+\.[0-9]+\.[0-9]+)(-.*)?$`}},
		Smoke: f.smoke(keeps),
	}, nil
}

func (f *FreeSurfer) unpack(on stage.Base, source llb.Input, keeps profile) llb.State {
	return llb.Step{
		Component: f.Name,
		Action:    "unpack",
		On:        on.Root,
		Script:    f.script(),
		Inputs: []llb.Mount{
			{Target: llb.Run + "/src", State: source.Fetch(f.Name, here())},
			{Target: llb.Run + "/lists", State: llb.Folder("write lists", f.lists(keeps))},
		},
		Secrets: f.Secrets,
		At:      here(),
	}.Layer(f.Prefix)
}

func (f *FreeSurfer) script() string {
	return stage.LicensedScript + llb.Fill(freesurferScript, llb.Values{"PREFIX": f.Prefix, "PATH": f.Source.Path,
		"LICENCE": f.Licence, "VERSION": f.release()}, nil)
}

// lists are the files that the script reads.
func (f *FreeSurfer) lists(keeps profile) map[string][]byte {
	return map[string][]byte{
		"prune":      lines(keeps.prune),
		"drop":       lines(append([]stage.Pattern{staticLibraries}, f.Prune...)),
		"keep":       lines(keeps.keep),
		"more":       lines(append(slices.Clone(f.Keep), freesurferAverage)),
		"never":      lines([]stage.Pattern{"license.txt", ".license"}),
		"fs-license": []byte(llb.Fill(freesurferLicence, llb.Values{"LICENCE": f.Licence, "OWNER": f.Owner}, nil)),
	}
}

// lines is the patterns, each in a line.
func lines(all []stage.Pattern) []byte {
	var b strings.Builder
	for _, p := range all {
		b.WriteString(string(p) + "\n")
	}
	return []byte(b.String())
}

// env is what the service sets (1.2.1), and where the licence is. A variable
// that names a folder which the profile leaves out is left out too.
func (f *FreeSurfer) env(keeps profile) []string {
	env := []string{
		"FREESURFER_HOME=" + f.Prefix,
		"FS_LICENSE=" + f.Licence,
		"MINC_BIN_DIR=" + f.Prefix + "/mni/bin",
		"MNI_DIR=" + f.Prefix + "/mni",
		"PERL5LIB=" + f.Prefix + "/mni/share/perl5",
	}
	if !slices.Contains(keeps.without, "fsfast") {
		env = append(env, "FSFAST_HOME="+f.Prefix+"/fsfast")
	}
	return env
}

// release is the version as the build stamp has it: that of 8.0.0-1 is 8.0.0.
func (f *FreeSurfer) release() string {
	release, _, _ := strings.Cut(f.Version, "-")
	return release
}

// smoke checks run without a licence. nu_correct is compiled to see that Perl
// finds the modules of MNI.
func (f *FreeSurfer) smoke(keeps profile) []stage.Check {
	checks := stage.Checks(
		"mri_convert --version",
		"perl -c "+llb.Word(f.Prefix+"/mni/bin/nu_correct"),
		"test -d "+llb.Word(f.Prefix+"/"+freesurferAverage),
		"test -L "+llb.Word(f.Prefix+"/license.txt"),
	)
	return append(checks, stage.Checks(keeps.smoke...)...)
}
