package stages

import (
	_ "embed"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// FSL is installed from an exact list of conda packages.
type FSL struct {
	stage.Common
	Lock          stage.File      `toml:"lock" doc:"the packages of the release: size, sha256, address and licence on each line"`
	Profile       string          `toml:"profile" doc:"what the lock must contain: minimal (what Synb0-DISCO and dwifslpreproc call) or full (the release's environment)"`
	Environment   stage.File      `toml:"environment" doc:"the release's own environment file, fsl-<version>_linux-64.yml: the lock must have its versions and, in the profile full, all of its packages"`
	Prune         []stage.Pattern `toml:"prune" doc:"patterns of what to leave out"`
	Keep          []stage.Pattern `toml:"keep" doc:"patterns of what to keep although prune leaves it out"`
	AcceptLicence bool            `toml:"accept_licence" doc:"accept the licence of FSL, which allows non-commercial use only"`
}

var (
	_ stage.Checker  = (*FSL)(nil)
	_ stage.Licensed = (*FSL)(nil)
)

// Check reports what is wrong with the settings.
func (f *FSL) Check() error {
	switch f.Profile {
	case "minimal", "full":
		return nil
	}
	return problem.Refusedf("fsl has no profile %q", f.Profile).Hint("the profiles are minimal and full")
}

// Accepted reports that the user has not accepted the licence, which no base
// changes.
func (f *FSL) Accepted() error {
	if f.AcceptLicence {
		return nil
	}
	return problem.Refusedf("FSL's licence, which allows non-commercial use only, is not accepted").
		Hint("read it on FSL's website, then set accept_licence = true")
}

// fslCommands is the programs of packages, as far as a profile promises them.
type fslCommands []struct {
	Package  string
	Commands []string
}

// fslMinimal serves Synb0-DISCO (bet, epi_reg and what that calls, fslmerge,
// fslmaths, topup) and MRtrix3's dwifslpreproc (topup, applytopup, eddy).
var fslMinimal = fslCommands{
	{"fsl-avwutils", []string{"fslmaths", "fslmerge", "fslinfo"}},
	{"fsl-bet2", []string{"bet"}},
	{"fsl-flirt", []string{"flirt", "convert_xfm", "epi_reg"}},
	{"fsl-fast4", []string{"fast"}},
	{"fsl-topup", []string{"topup", "applytopup"}},
	{"fsl-eddy", nil}, // which of the names of eddy it has differs
}

// fslFull is what the release's environment has in addition, as far as
// it is known which program comes from where.
var fslFull = fslCommands{
	{"fsl-data_standard", nil},
	{"fsl-eddy_qc", []string{"eddy_quad"}},
	{"fsl-feat5", []string{"feat"}},
	{"fsl-first", []string{"run_first_all"}},
	{"fsl-fnirt", []string{"fnirt", "applywarp"}},
	{"fsl-fugue", []string{"fugue"}},
	{"fsl-mcflirt", []string{"mcflirt"}},
	{"fsl-melodic", []string{"melodic"}},
}

// lock is the lock, once it has what the profile promises.
func (f *FSL) lock() (stage.CondaLock, error) {
	lock, err := stage.ReadCondaLock(f.Lock)
	if err != nil {
		return nil, err
	}
	for _, p := range append(f.promised(), fslCommands{{Package: "fsl-base"}}...) {
		if _, ok := lock.Find(p.Package); !ok {
			return nil, problem.Refusedf("%s has no package %s, which the profile %s requires", f.Lock.Path, p.Package, f.Profile).
				Hint("add it, or choose another profile")
		}
	}
	return lock, lock.OfRelease(f.Lock, f.Environment, f.Profile == "full")
}

func (f *FSL) promised() fslCommands {
	if f.Profile == "full" {
		return append(fslMinimal[:len(fslMinimal):len(fslMinimal)], fslFull...)
	}
	return fslMinimal
}

// fslRuntime is what FSL's scripts call and its packages do not bring.
var fslRuntime = stage.Debs{"any": {"bc", "dc"}}

// Stage installs FSL.
func (f *FSL) Stage(g stage.Ground) (stage.Stage, error) {
	if err := f.Accepted(); err != nil {
		return stage.Stage{}, err
	}
	lock, err := f.lock()
	if err != nil {
		return stage.Stage{}, err
	}
	runtime, err := fslRuntime.Known(g.Run.Facts, "packages that FSL's scripts need")
	if err != nil {
		return stage.Stage{}, err
	}
	layer := f.install(g.Build, lock)
	return stage.Stage{
		Common:  f.Common,
		Licence: stage.Licence{SPDX: "LicenseRef-FSL", NonCommercial: true},
		Layer:   &layer,
		Inputs:  lock.Inputs(f.Lock),
		Runtime: runtime,
		Path:    []string{f.Prefix + "/share/fsl/bin"},
		Env:     f.env(),
		Questions: []stage.Question{{Key: "FSL_VERSION", Section: stage.Software, Want: f.Version,
			Command: "cat $FSLDIR/etc/fslversion", Pattern: `^([0-9][^: ]*).*`}},
		Smoke: f.smoke(),
	}, nil
}

// The script writes what the release's own installer writes and no package
// does, and gives eddy the other names that it is called by: dwifslpreproc
// looks for eddy_openmp, eddy_cpu and eddy, the packages have one or two.
//
//go:embed scripts/fsl.sh
var fslScript string

// install tells FSL's packages, by their own variables, where they are and
// that their post-link scripts are to make the wrappers in share/fsl/bin: FSL's
// bin, with a Python of its own, is never on PATH.
func (f *FSL) install(on stage.Base, lock stage.CondaLock) llb.State {
	return llb.Conda{
		Component:    f.Name,
		On:           on.Root,
		Distribution: on.ID(),
		Prefix:       f.Prefix,
		Packages:     lock.Inputs(f.Lock),
		Env:          []string{"FSLDIR=" + f.Prefix, "FSL_CREATE_WRAPPER_SCRIPTS=1"},
		Prune:        append([]string{staticLibraries}, plain(f.Prune)...),
		Keep:         plain(f.Keep),
		Script:       f.script(),
		Secrets:      f.Secrets,
		At:           here(),
	}.Layer()
}

func (f *FSL) script() string {
	return llb.Script(fslScript, llb.Values{"VERSION": f.Version}, nil)
}

// env is FSL's environment without its lib on LD_LIBRARY_PATH, which would
// give other programs FSL's libraries.
func (f *FSL) env() []string {
	return []string{
		"FSLDIR=" + f.Prefix,
		"FSLOUTPUTTYPE=NIFTI_GZ",
		"FSLMULTIFILEQUIT=TRUE",
		"FSLTCLSH=" + f.Prefix + "/bin/fsltclsh",
		"FSLWISH=" + f.Prefix + "/bin/fslwish",
	}
}

// smoke starts every program that is promised.
func (f *FSL) smoke() []stage.Check {
	var out []stage.Check
	for _, p := range f.promised() {
		for _, c := range p.Commands {
			out = append(out, stage.Starts(c))
		}
	}
	out = append(out,
		stage.Check{Command: "[ -s $FSLDIR/etc/flirtsch/b02b0.cnf ]"},
		stage.Check{Command: "[ -s $FSLDIR/etc/fslconf/fsl.sh ]"},
		stage.Check{Command: "eddy=$(command -v eddy_openmp || command -v eddy_cpu || command -v eddy) || exit 1; $eddy </dev/null" + stage.StartedScript,
			Shown: "eddy </dev/null"})
	if f.Profile == "full" {
		out = append(out, stage.Check{Command: "[ -s $FSLDIR/data/standard/MNI152_T1_2mm.nii.gz ]"})
	}
	return out
}
