package stages

import (
	_ "embed"
	"fmt"
	"strconv"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// SCT is Spinal Cord Toolbox, installed at its prefix by its own installer.
type SCT struct {
	stage.Common
	Source    stage.Source `toml:"source" doc:"the git repository, by commit, or an archive of it; the release of the version when left out"`
	Miniforge stage.Source `toml:"miniforge" doc:"the Miniforge installer; the one that install_sct uses when left out, for which no checksum is published"`
	Data      bool         `toml:"data" doc:"install the default data sets and models; without them sct_deepseg fetches what it needs when it is used"`
	Binaries  bool         `toml:"binaries" doc:"install the compiled programs"`
	Owner     string       `toml:"owner" doc:"numeric user and group, such as 1000:100, who own the installation: it writes to its own folder when it is used"`
}

var _ stage.Checker = (*SCT)(nil)

// sctReleases is the commit of each release, since upstream has moved its tags,
// and the newest torch that its requirements-freeze.txt allows (torch<2.3).
var sctReleases = map[string]struct{ commit, torch string }{
	"7.2": {"dcd638fe7b83dc318a2f895709c3649c3e7c7aa6", "2.2.2"},
	"7.3": {"33feed47fc63f2112a8cb5730f1d2c0531f9081c", "2.2.2"},
}

// sctPrefix is the longest prefix that the installer takes, in characters.
const sctPrefix = 107

// Check reports what is wrong with the settings.
func (s *SCT) Check() error {
	switch {
	case s.Owner != "" && !stage.OwnerForm.MatchString(s.Owner):
		return problem.Refusedf("owner %q is not a numeric user and group", s.Owner).
			Hint(`write numbers, as in owner = "1000:100"`)
	case len(s.Prefix) > sctPrefix:
		return problem.Refusedf("the prefix of sct has %d characters, its installer accepts at most %d", len(s.Prefix), sctPrefix).
			Hint("choose a shorter prefix")
	case s.Miniforge.Git+s.Miniforge.Image != "":
		return problem.Refusedf("miniforge must be a file, not a repository or an image").Hint("give its url and sha256")
	case s.Source.Empty() && s.Version != "" && sctReleases[s.Version].commit == "":
		return problem.Refusedf("no commit is known for sct %s", s.Version).Hint("add its source")
	}
	return nil
}

const sctRepository = "https://github.com/spinalcordtoolbox/spinalcordtoolbox.git"

// sctMiniforge is the installer of conda that install_sct of 7.2 and 7.3 fetches.
// No checksum of it has been found published.
const sctMiniforge = "https://github.com/conda-forge/miniforge/releases/download/24.11.2-1/Miniforge3-Linux-x86_64.sh"

var sctRuntime = stage.Debs{"any": {"libgl1", "libglib2.0-0"}}

// sctBuild is what the installer calls.
var sctBuild = []string{"bash", "bzip2", "ca-certificates", "gcc", "libc6-dev", "perl", "wget"}

//go:embed scripts/sct.sh
var sctScript string

// Stage installs Spinal Cord Toolbox.
func (s *SCT) Stage(g stage.Ground) (stage.Stage, error) {
	if err := s.Check(); err != nil {
		return stage.Stage{}, err
	}
	build, err := sctRuntime.Known(g.Build.Facts, "packages that sct is installed with")
	if err != nil {
		return stage.Stage{}, err
	}
	runtime, err := sctRuntime.Known(g.Run.Facts, "runtime packages of sct")
	if err != nil {
		return stage.Stage{}, err
	}
	inputs, mounts, err := s.inputs(g)
	if err != nil {
		return stage.Stage{}, err
	}
	layer := s.install(g.Build, append(build[:len(build):len(build)], sctBuild...), mounts)
	return stage.Stage{
		Common:  s.Common,
		Licence: stage.Licence{SPDX: "LGPL-3.0-only"},
		Layer:   &layer,
		Inputs:  inputs,
		Fetches: s.fetches(),
		Runtime: runtime,
		Path:    []string{s.Prefix + "/bin"},
		Env:     []string{"SCT_DIR=" + s.Prefix},
		Questions: []stage.Question{{Key: "SCT_VERSION", Section: stage.Software, Want: s.Version,
			Command: "sct_version", Pattern: `^([0-9]+\.[0-9][0-9A-Za-z.]*)$`}},
		Smoke: s.checks(),
	}, nil
}

// inputs are the sources and where the installation finds them.
func (s *SCT) inputs(g stage.Ground) ([]llb.Input, []llb.Mount, error) {
	source, err := s.source().Input(g)
	if err != nil {
		return nil, nil, err
	}
	inputs := []llb.Input{source}
	mounts := []llb.Mount{{Target: llb.Run + "/src", State: source.Fetch(s.Name, here())}}
	miniforge, err := s.miniforge().Input(g)
	if err != nil {
		return nil, nil, fmt.Errorf("miniforge: %w", err)
	}
	miniforge.Name = "miniforge"
	return append(inputs, miniforge),
		append(mounts, llb.Mount{Target: llb.Run + "/miniforge", State: miniforge.Fetch(s.Name, here())}), nil
}

// source is the one stated, or the release's commit.
func (s *SCT) source() stage.Source {
	if !s.Source.Empty() {
		return s.Source
	}
	return stage.Source{At: s.At, Git: sctRepository, Commit: sctReleases[s.Version].commit}
}

// miniforge is the one stated, or the one that the release's installer takes.
func (s *SCT) miniforge() stage.Source {
	if !s.Miniforge.Empty() {
		return s.Miniforge
	}
	return stage.Source{At: s.At, URL: sctMiniforge}
}

// fetches is what the installer takes from the network beside its inputs.
func (s *SCT) fetches() string {
	if s.Data {
		return "conda packages, Python packages and data sets"
	}
	return "conda packages and Python packages"
}

func (s *SCT) install(on stage.Base, packages []string, mounts []llb.Mount) llb.State {
	tools := llb.Apt{Component: s.Name, Action: "compiler", On: on.Root, Distribution: on.ID(),
		Packages: packages, At: here()}
	return llb.Step{
		Component: s.Name,
		Action:    "install packages",
		On:        tools.Root(),
		Script:    s.script(),
		Env:       []string{"CONDA_PKGS_DIRS=" + llb.Run + "/conda", "PIP_CACHE_DIR=" + llb.Run + "/pip", "PIP_ROOT_USER_ACTION=ignore"},
		Inputs:    mounts,
		Caches: []llb.Cache{
			{Target: llb.Run + "/conda", ID: "medbuild/conda" + llb.Run + "/conda", Locked: true},
			{Target: llb.Run + "/pip", ID: "medbuild/pip" + llb.Run + "/pip"},
		},
		Secrets: s.Secrets,
		Network: true,
		At:      here(),
	}.Layer(s.Prefix)
}

func (s *SCT) script() string {
	return llb.Fill(sctScript, llb.Values{"PREFIX": s.Prefix, "EPOCH": strconv.Itoa(llb.Epoch), "TORCH": sctReleases[s.Version].torch},
		llb.Code{"FLAGS": s.flags(), "MODELS": s.models(), "OWN": s.own() + "\n"})
}

// models takes the line out of the installer that fetches the models of
// sct_deepseg whatever its options say.
func (s *SCT) models() string {
	if s.Data {
		return ""
	}
	return "sed -i '/install_default_models()/d' install_sct\n"
}

// sctImports imports every package that SCT states. matplotlib goes first, as
// in sct_check_dependencies itself (SCT issue 3511).
const sctImports = `import matplotlib.pyplot
from spinalcordtoolbox.scripts.sct_check_dependencies import get_dependencies, module_import, resolve_module
for package, _ in get_dependencies():
    name, quiet = resolve_module(package)
    name and module_import(name, quiet)
import torch
assert torch.version.cuda is None, "torch is the build for CUDA"
`

// sctData looks for every default data set.
const sctData = `from spinalcordtoolbox.scripts.sct_check_dependencies import default_datasets, is_installed
missing = [d for d in default_datasets() if not is_installed(d)]
assert not missing, missing
`

// checks are of what is installed. sct_check_dependencies itself runs the
// compiled programs too, and fails where they are left out; with -short it ends
// before it has looked at anything.
func (s *SCT) checks() []stage.Check {
	python := func(text string) string { return s.Prefix + "/python/envs/venv_sct/bin/python -c " + llb.Quote(text) }
	all := stage.Checks(python(sctImports))
	if s.Binaries {
		all = append(all, stage.Check{Command: "sct_check_dependencies"})
	}
	if s.Data {
		all = append(all, stage.Check{Command: python(sctData)})
	}
	return all
}

// flags are those of install_sct beside -i and -y. Its checks are left to the
// stage's own.
func (s *SCT) flags() string {
	flags := " -c"
	if !s.Data {
		flags += " -d"
	}
	if !s.Binaries {
		flags += " -b"
	}
	return flags
}

func (s *SCT) own() string {
	if s.Owner == "" {
		return ""
	}
	return "chown -hR " + llb.Args(s.Owner, s.Prefix)
}
