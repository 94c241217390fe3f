package stages

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// Python is a virtual environment, filled by uv from a list of requirements
// with hashes. A tool of the Python index is one too: with a version command the
// component's version is the tool's, else Python's.
type Python struct {
	stage.Common
	Interpreter  string     `toml:"interpreter" doc:"the base's Python to build the environment with"`
	Requirements stage.File `toml:"requirements" doc:"a requirements file with a hash for every package, as uv pip compile --generate-hashes writes it. A wheel that is on no index is listed with its address: name @ https://… --hash=sha256:…. A line without a hash is not pinned"`
	Packages     []string   `toml:"packages" doc:"packages to list in the version manifest, each with its version"`
	Commands     []string   `toml:"commands" doc:"the programs to put on PATH; all of the environment's when left out, including its Python"`
	Owner        string     `toml:"owner" form:"owner" doc:"numeric user and group, such as 1000:100, who can install more packages at run time"`

	SystemSitePackages bool       `toml:"system_site_packages" doc:"make the distribution's Python packages, which are listed as runtime, visible in the environment"`
	Build              bool       `toml:"build" doc:"allow packages that must be compiled"`
	BuildPackages      stage.Debs `toml:"build_packages" form:"package" keys:"release" doc:"distribution packages needed to compile them, in addition to a C++ compiler and the headers of Python: a list, or a table of lists by release"`
	BuildConstraints   stage.File `toml:"build_constraints" doc:"a requirements file with hashes for the build dependencies of the packages, such as setuptools"`
	stage.Generic
}

var (
	_ stage.Checker     = (*Python)(nil)
	_ stage.Environment = (*Python)(nil)
)

const systemPython = "/usr/bin/python3"

// pythonLicence is that of Python itself.
const pythonLicence = "PSF-2.0"

// newEnvironment is a Python as it is before the user's file is read.
func newEnvironment() *Python {
	return &Python{Common: stage.Common{Prefix: "/opt/python"}, Interpreter: systemPython, Generic: stage.Generic{Licence: pythonLicence}}
}

// uv and the sha256 of its wheel for Linux on x86-64, from the Python index.
const (
	uvVersion = "0.13.9"
	uvSHA256  = "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19"
)

// Check reports what is wrong with the settings.
func (p *Python) Check() error {
	switch {
	case p.Requirements.Path == "":
		return problem.Refusedf("the component has no requirements").
			Hint(`add requirements = "…", a file written by uv pip compile --generate-hashes`)
	case p.Build && p.BuildConstraints.Path == "":
		return problem.Refusedf("the build dependencies of the packages are not pinned").
			Hint(`add build_constraints = "…", a requirements file with hashes for setuptools and the like`)
	case !p.Build && len(p.BuildPackages)+len(p.BuildConstraints.Path) > 0:
		return problem.Refusedf("build_packages and build_constraints have no effect without build = true").
			Hint("add build = true, or remove them")
	}
	told := p.Generic
	told.Licence = cmp.Or(p.Licence, pythonLicence)
	return told.Complete(false)
}

// read reads the requirements. Every package asked for must be among them,
// unless the distribution may bring it.
func (p *Python) read() (stage.Requirements, error) {
	r, err := stage.ReadRequirements(p.Requirements)
	if err != nil || p.SystemSitePackages {
		return r, err
	}
	for _, name := range p.Packages {
		if _, ok := r.Pins[stage.NormalName(name)]; !ok {
			return stage.Requirements{}, problem.Refusedf("package %s is not pinned in %s", name, p.Requirements.Path).
				Hint("write %s==<version> with its hashes there", name)
		}
	}
	return r, nil
}

// Has reports whether the environment has a package, or may have it: the
// distribution may bring it, or the requirements cannot be read, which is told
// elsewhere.
func (p *Python) Has(name string) bool {
	r, err := p.read()
	_, ok := r.Pins[stage.NormalName(name)]
	return ok || err != nil || p.SystemSitePackages
}

// ListedIn is the requirements file.
func (p *Python) ListedIn() string { return p.Requirements.Path }

// Stage builds the environment.
func (p *Python) Stage(g stage.Ground) (stage.Stage, error) {
	reqs, err := p.read()
	if err == nil {
		err = reqs.Usable(g)
	}
	if err != nil {
		return stage.Stage{}, err
	}
	layer, err := p.install(g.Build, reqs)
	if err != nil {
		return stage.Stage{}, err
	}
	s, err := p.Describe(p.Common, g.Run.Facts)
	s.Licence.SPDX = cmp.Or(p.Licence, pythonLicence)
	s.Layer, s.Inputs = &layer, reqs.Inputs()
	s.Runtime = append(p.runtime(), s.Runtime...)
	s.Path = append([]string{p.bin()}, s.Path...)
	s.Questions = append(s.Questions, p.questions(reqs)...)
	s.Smoke = append(stage.Checks(p.python()+" -c 'import sys; sys.exit(sys.prefix != sys.argv[1])' "+llb.Word(p.Prefix)), s.Smoke...)
	return s, err
}

// The script drops the static libraries that some wheels bring for those who
// compile against them, and gives the sources their constant time before it
// compiles them: the byte code holds the time of its source. A package may bring
// files for a newer Python, which this one cannot compile and never imports.
//
//go:embed scripts/python.sh
var pythonScript string

func (p *Python) install(on stage.Base, reqs stage.Requirements) (llb.State, error) {
	tools, err := p.tools(on)
	if err != nil {
		return llb.State{}, err
	}
	inputs := []llb.Mount{
		{Target: llb.Run + "/uv", State: p.uv(tools)},
		{Target: llb.Run + "/in", State: llb.File("requirements.txt", []byte(reqs.Text))},
	}
	if reqs.Loose != "" {
		inputs = append(inputs, llb.Mount{Target: llb.Run + "/loose", State: llb.File("requirements.txt", []byte(reqs.Loose))})
	}
	if p.Build {
		inputs = append(inputs, llb.Mount{Target: llb.Run + "/build", State: llb.File("constraints.txt", p.BuildConstraints.Content)})
	}
	return llb.Step{
		Component: p.Name,
		Action:    "install packages",
		On:        tools,
		Script:    p.script(reqs),
		Env:       []string{"UV_CACHE_DIR=" + llb.Run + "/cache" + p.built(on), "UV_LINK_MODE=copy", "UV_PYTHON_DOWNLOADS=never"},
		Inputs:    append(inputs, reqs.Mounts(p.Name)...),
		Caches:    []llb.Cache{{Target: llb.Run + "/cache", ID: "medbuild/uv" + llb.Run + "/cache"}},
		Secrets:   p.Secrets,
		Network:   true,
		At:        here(),
	}.Layer(p.Prefix), nil
}

func (p *Python) tools(on stage.Base) (llb.State, error) {
	packages := []string{"python3", "python3-pip"}
	if p.Build {
		more, err := p.BuildPackages.On(on.Facts, "the packages that compile "+p.Name)
		if err != nil {
			return llb.State{}, err
		}
		packages = append(append(packages, "g++", "python3-dev"), more...)
	}
	return llb.Apt{Component: p.Name, Action: "pip", On: on.Root, Distribution: on.ID(),
		Packages: packages, At: here()}.Root(), nil
}

// uv is uv itself, in a folder of its own.
func (p *Python) uv(on llb.State) llb.State {
	return llb.Pip{Component: p.Name, Name: "uv", Version: uvVersion, SHA256: uvSHA256, On: on, At: here()}.Output("/uv")
}

// built is the folder in uv's cache for what is compiled here: uv keeps that by
// its source alone, whatever it was compiled with and on.
func (p *Python) built(on stage.Base) string {
	if !p.Build {
		return ""
	}
	return fmt.Sprintf("/%s-%.12x", on.ID(), sha256.Sum256(p.BuildConstraints.Content))
}

func (p *Python) script(reqs stage.Requirements) string {
	site, wheels, check := "", "--only-binary :all:", "$uv pip check --quiet --python "+p.interpreter()+"\n"
	if p.SystemSitePackages { // what the distribution brings is not there yet
		site, check = " --system-site-packages", ""
	}
	if p.Build {
		wheels = "--build-constraints " + llb.Run + "/build/constraints.txt"
	}
	return llb.Fill(pythonScript,
		llb.Values{"PREFIX": p.Prefix, "PYTHON": p.Interpreter, "EPOCH": strconv.Itoa(llb.Epoch)},
		llb.Code{"SITE": site, "WHEELS": wheels, "CHECK": check, "LINKS": reqs.Links(), "LOOSE": p.loose(reqs, wheels),
			"COMMANDS": p.links(), "OWN": own(p.Owner, p.Prefix)})
}

// interpreter is the environment's own, as a word of the shell.
func (p *Python) interpreter() string { return llb.Word(p.Prefix + "/bin/python") }

// own gives a folder to who may change it.
func own(owner, folder string) string {
	if owner == "" {
		return ""
	}
	return "chown -R -h " + llb.Args(owner, folder)
}

// loose installs what has no hash, where that is allowed.
func (p *Python) loose(reqs stage.Requirements, wheels string) string {
	if reqs.Loose == "" {
		return ""
	}
	return "$uv pip install --quiet --python " + p.interpreter() + " --no-deps " + wheels + " --requirements " + llb.Run + "/loose/requirements.txt\n"
}

const pythonLink = `[ -x @FROM@ ] || { echo "no package brings the program" @NAME@ >&2; exit 1; }
ln -s ../bin/@NAME@ @TO@
`

// links makes the folder that PATH names.
func (p *Python) links() string {
	if len(p.Commands) == 0 {
		return ""
	}
	script := "mkdir " + llb.Word(p.bin()) + "\n"
	for _, c := range p.Commands {
		script += llb.Fill(pythonLink, llb.Values{"FROM": p.Prefix + "/bin/" + c, "NAME": c, "TO": p.bin() + "/"}, nil)
	}
	return script
}

func (p *Python) runtime() []string {
	if p.Interpreter == systemPython {
		return []string{"python3"}
	}
	return nil
}

// bin is what PATH names. A folder of its own for some programs keeps the
// environment's python from being everyone's.
func (p *Python) bin() string {
	if len(p.Commands) > 0 {
		return p.Prefix + "/commands"
	}
	return p.Prefix + "/bin"
}

// python is how the environment's interpreter is called.
func (p *Python) python() string {
	if len(p.Commands) > 0 {
		return p.interpreter()
	}
	return "python"
}

// questions asks for Python's version, where the component's is not a tool's,
// and for those of the packages. One that the distribution brings may have any.
func (p *Python) questions(reqs stage.Requirements) []stage.Question {
	ask := func(key, want, expr string, args ...string) stage.Question {
		code := "import sys, importlib.metadata as m; print(" + expr + ")"
		return stage.Question{Key: key, Section: stage.Packages, Want: want, Pattern: "(.+)",
			Command: p.interpreter() + " -c " + llb.Args(append([]string{code}, args...)...)}
	}
	var all []stage.Question
	if p.VersionCommand == "" {
		all = append(all, ask("PYTHON_VERSION", p.Version, "sys.version.split()[0]"))
	}
	for _, name := range p.Packages {
		all = append(all, ask(packageKey(name), reqs.Pins[stage.NormalName(name)], "m.version(sys.argv[1])", name))
	}
	return all
}

// packageKey is a package's line in the manifest. Two have a name there that
// differs from the index's.
func packageKey(name string) string {
	switch name = stage.NormalName(name); name {
	case "torch":
		name = "pytorch"
	case "connected-components-3d":
		name = "cc3d"
	}
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_VERSION"
}
