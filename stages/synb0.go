package stages

import (
	"cmp"
	_ "embed"
	"path"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// Synb0 is Synb0-DISCO, changed to run on the CPU, with a command of our own
// in place of upstream's pipeline script, whose paths exist in its own
// container only.
type Synb0 struct {
	stage.Common
	Source      stage.Source `toml:"source" doc:"the git repository or an archive of it; when left out, upstream's repository at the commit given as version"`
	Interpreter string       `toml:"interpreter" doc:"the path in the image of a Python with torch, torchvision, nibabel, numpy and scipy"`
	InputsAt    string       `toml:"inputs" doc:"the folder of inputs unless the command names one; INPUTS below the prefix when left out"`
	OutputsAt   string       `toml:"outputs" doc:"the folder of results unless the command names one; OUTPUTS below the prefix when left out"`
	Topup       string       `toml:"topup" doc:"the default parameters of topup: service or upstream"`
}

var (
	_ stage.Checker   = (*Synb0)(nil)
	_ stage.Dependent = (*Synb0)(nil)
	_ stage.Caller    = (*Synb0)(nil)
	_ stage.Importer  = (*Synb0)(nil)
)

// Check reports what is wrong with the settings.
func (s *Synb0) Check() error {
	switch {
	case s.Topup != "service" && s.Topup != "upstream":
		return problem.Refusedf("topup has no parameters %q", s.Topup).Hint("use service or upstream")
	case strings.Contains(s.Prefix, "mask"):
		// prepare_input.sh takes an atlas with that word in its path for one without a skull.
		return problem.Refusedf(`the prefix of synb0 contains "mask", which its scripts look for in file names`).
			Hint("choose another prefix")
	case s.Source.Empty() && s.Version != "" && !stage.IsHex(s.Version, 40):
		return problem.Refusedf("synb0 %s is not a commit, and there is no source", s.Version).
			Hint("write the commit as version, or add a source")
	}
	for _, dir := range []string{s.InputsAt, s.OutputsAt} {
		if dir != "" && (!path.IsAbs(dir) || path.Clean(dir) != dir) {
			return problem.Refusedf("folder %q is not an absolute path", dir).
				Hint("write it as in /home/jovyan/synb0-disco/INPUTS")
		}
	}
	return nil
}

// Needs is the stages whose commands the pipeline runs.
func (s *Synb0) Needs() []string {
	needs := []string{"freesurfer", "fsl", "ants", "c3d"}
	if s.Interpreter == systemPython {
		return needs
	}
	return append(needs, "python")
}

// Calls is the programs that the pipeline and what it calls run, by the stage
// that has them, where a component can be told to keep only some.
func (s *Synb0) Calls() map[string][]string {
	return map[string][]string{
		"ants": {"antsApplyTransforms", "antsRegistration", "antsRegistrationSyNQuick.sh", "PrintHeader"},
		"c3d":  {"c3d_affine_tool"},
	}
}

// Modules is the Python packages that the inference imports.
func (s *Synb0) Modules() []string {
	if s.Interpreter == systemPython {
		return nil
	}
	return []string{"nibabel", "numpy", "scipy", "torch", "torchvision"}
}

const synb0Repository = "https://github.com/MASILab/Synb0-DISCO.git"

// synb0Python is the packages that the inference imports, for the base's own
// Python. Debian's torch computes on the CPU.
var synb0Python = stage.Debs{
	"debian-13": {"bash", "python3-nibabel", "python3-numpy", "python3-scipy", "python3-torch", "python3-torchvision"},
}

//go:embed scripts/synb0.sh
var synb0Script string

//go:embed scripts/synb0-disco
var synb0Command string

// Stage copies Synb0-DISCO and patches it.
func (s *Synb0) Stage(g stage.Ground) (stage.Stage, error) {
	if err := s.Check(); err != nil {
		return stage.Stage{}, err
	}
	runtime, err := s.runtime(g.Run.Facts)
	if err != nil {
		return stage.Stage{}, err
	}
	source, err := s.source().Input(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := s.install(g.Build, source)
	return stage.Stage{
		Common:  s.Common,
		Licence: stage.Licence{SPDX: "MIT"},
		Layer:   &layer,
		Inputs:  []llb.Input{source},
		Runtime: runtime,
		Path:    []string{s.Prefix + "/bin"},
		Questions: []stage.Question{{Key: "SYNB0_DISCO_VERSION", Section: stage.Software, Want: s.commit(),
			Command: "synb0-disco --version", Pattern: `^([0-9A-Za-z][0-9A-Za-z._-]*)$`}},
		Smoke: s.smoke(),
	}, nil
}

// source is the one stated, or upstream's repository.
func (s *Synb0) source() stage.Source {
	if !s.Source.Empty() {
		return s.Source
	}
	return stage.Source{At: s.At, Git: synb0Repository, Commit: s.Version}
}

// commit is what the manifest names: the commit, or of an archive the version.
func (s *Synb0) commit() string { return cmp.Or(s.source().Commit, s.Version) }

func (s *Synb0) install(on stage.Base, source llb.Input) llb.State {
	return llb.Step{
		Component: s.Name,
		Action:    "copy and patch",
		On:        on.Root,
		Script:    s.script(),
		Inputs: []llb.Mount{
			{Target: llb.Run + "/src", State: source.Fetch(s.Name, here())},
			{Target: llb.Run + "/command", State: llb.File("synb0-disco", []byte(s.command()))},
		},
		Secrets: s.Secrets,
		At:      here(),
	}.Layer(s.Prefix)
}

func (s *Synb0) script() string {
	return llb.Fill(synb0Script, llb.Values{"PREFIX": s.Prefix, "COMMIT": s.commit()}, llb.Code{"FOLDERS": s.folders() + "\n"})
}

// command is the program that runs the pipeline.
func (s *Synb0) command() string {
	return llb.Fill(synb0Command, llb.Values{"PREFIX": s.Prefix, "PYTHON": s.Interpreter, "TOPUP": s.Topup,
		"INPUTS": s.inputs(), "OUTPUTS": s.outputs()}, nil)
}

func (s *Synb0) inputs() string { return cmp.Or(s.InputsAt, s.Prefix+"/INPUTS") }

func (s *Synb0) outputs() string { return cmp.Or(s.OutputsAt, s.Prefix+"/OUTPUTS") }

// folders makes the folders that lie below the prefix, for everyone to write:
// the service documents them, and does not know who it will run as.
func (s *Synb0) folders() string {
	var made []string
	for _, dir := range []string{s.inputs(), s.outputs()} {
		if strings.HasPrefix(dir, s.Prefix+"/") {
			made = append(made, "mkdir -p "+llb.Word(dir)+" && chmod 777 "+llb.Word(dir))
		}
	}
	return strings.Join(made, "\n")
}

func (s *Synb0) runtime(on stage.Facts) ([]string, error) {
	if s.Interpreter != systemPython {
		return []string{"bash"}, nil
	}
	names, err := synb0Python.Known(on, "packages of PyTorch")
	if err != nil {
		return nil, problem.Hinted(err, "or use the interpreter of a python component")
	}
	return names, nil
}

// smoke can only try the interpreter where it comes with the stage.
func (s *Synb0) smoke() []stage.Check {
	checks := stage.Checks("synb0-disco --help", "test -x \"$(command -v normalize_T1.sh)\"")
	if s.Interpreter == systemPython {
		checks = append(checks, stage.Check{Command: llb.Word(s.Interpreter) + " -c 'import nibabel, numpy, scipy, torch, torchvision'"})
	}
	return checks
}
