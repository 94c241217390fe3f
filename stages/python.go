package stages

import (
	"cmp"
	"crypto/sha256"
	"fmt"
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
	Requirements stage.File `toml:"requirements" doc:"a requirements file with a hash for every package, as uv pip compile --generate-hashes writes it. A wheel that no index has stands there with its address: name @ https://… --hash=sha256:…. A line without a hash is not pinned"`
	Packages     []string   `toml:"packages" doc:"the packages asked for, each with a line in the version manifest"`
	Commands     []string   `toml:"commands" doc:"the programs to put on PATH; all of the environment, its python too, when left out"`
	Owner        string     `toml:"owner" form:"owner" doc:"user and group, as numbers such as 1000:100, who may install more packages at run time"`

	SystemSitePackages bool       `toml:"system_site_packages" doc:"let the environment see the distribution's Python packages, which runtime names"`
	Build              bool       `toml:"build" doc:"allow packages that must be compiled"`
	BuildPackages      stage.Debs `toml:"build_packages" form:"package" keys:"release" doc:"distribution packages that compile them, beside a C++ compiler and Python's headers: a list, or a table of lists by release"`
	BuildConstraints   stage.File `toml:"build_constraints" doc:"a requirements file with hashes for what builds the packages, such as setuptools"`
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
		return problem.Refusedf("python has no requirements").
			Hint("name a file that uv pip compile --generate-hashes has written")
	case p.Build && p.BuildConstraints.Path == "":
		return problem.Refusedf("nothing pins what builds the packages").
			Hint(`add build_constraints = "…", a requirements file with hashes for setuptools and the like`)
	case !p.Build && len(p.BuildPackages)+len(p.BuildConstraints.Path) > 0:
		return problem.Refusedf("build_packages and build_constraints are for packages that must be compiled").
			Hint("add build = true")
	}
	if p.Licence == "" {
		p.Licence = pythonLicence
	}
	return p.Complete(false)
}

// Stage builds the environment.
func (p *Python) Stage(g stage.Ground) (stage.Stage, error) {
	reqs, err := p.read()
	if err == nil {
		err = reqs.Usable(g, p.Requirements)
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
	s.Smoke = append(stage.Checks(p.python()+" -c 'import sys; sys.exit(sys.prefix != \""+p.Prefix+"\")'"), s.Smoke...)
	return s, err
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
		return p.Prefix + "/bin/python"
	}
	return "python"
}

// pythonScript drops the static libraries that some wheels bring for those who
// compile against them, and gives the sources their constant time before it
// compiles them: the byte code holds the time of its source.
const pythonScript = `
uv=%[1]s/uv/bin/uv
%[5]s$uv venv --quiet --no-project --allow-existing%[6]s --python %[2]s %[3]s
$uv pip install --quiet --python %[3]s/bin/python --require-hashes --no-deps %[7]s --requirements %[1]s/in/requirements.txt
%[9]s%[8]sfind %[3]s -name '*.a' -delete
find %[3]s -exec touch -h -d @%[4]d {} +
%[3]s/bin/python -m compileall -q -j 0 %[3]s/lib
`

func (p *Python) script(reqs stage.Requirements) string {
	site, wheels, check := "", "--only-binary :all:", fmt.Sprintf("$uv pip check --quiet --python %s/bin/python\n", p.Prefix)
	if p.SystemSitePackages { // what the distribution brings is not there yet
		site, check = " --system-site-packages", ""
	}
	if p.Build {
		wheels = "--build-constraints " + llb.Run + "/build/constraints.txt"
	}
	return fmt.Sprintf(pythonScript, llb.Run, p.Interpreter, p.Prefix, llb.Epoch, reqs.Links(), site, wheels, check+p.links(), p.unpinned(reqs, wheels)) + p.own()
}

// own gives the environment to who may change it.
func (p *Python) own() string {
	if p.Owner == "" {
		return ""
	}
	return fmt.Sprintf("chown -R -h %s %s", p.Owner, p.Prefix)
}

// unpinned installs what has no hash, where that is allowed.
func (p *Python) unpinned(reqs stage.Requirements, wheels string) string {
	if reqs.Loose == "" {
		return ""
	}
	return fmt.Sprintf("$uv pip install --quiet --python %s/bin/python --no-deps %s --requirements %s/loose/requirements.txt\n", p.Prefix, wheels, llb.Run)
}

// links makes the folder that PATH names.
func (p *Python) links() string {
	if len(p.Commands) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "mkdir %s\n", p.bin())
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "[ -x %[1]s/bin/%[3]s ] || { echo 'no package brings the program %[3]s' >&2; exit 1; }\nln -s ../bin/%[3]s %[2]s/\n", p.Prefix, p.bin(), c)
	}
	return b.String()
}

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

// built is the folder in uv's cache for what is compiled here: uv keeps that by
// its source alone, whatever it was compiled with and on.
func (p *Python) built(on stage.Base) string {
	if !p.Build {
		return ""
	}
	return fmt.Sprintf("/%s-%.12x", on.ID(), sha256.Sum256(p.BuildConstraints.Content))
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

// questions asks for Python's version, where the component's is not a tool's,
// and for those of the packages. One that the distribution brings may have any.
func (p *Python) questions(reqs stage.Requirements) []stage.Question {
	ask := func(key, want, expr string) stage.Question {
		return stage.Question{Key: key, Section: stage.Packages, Want: want, Pattern: "(.+)",
			Command: p.Prefix + `/bin/python -c "import sys, importlib.metadata as m; print(` + expr + `)"`}
	}
	var all []stage.Question
	if p.VersionCommand == "" {
		all = append(all, ask("PYTHON_VERSION", p.Version, "sys.version.split()[0]"))
	}
	for _, name := range p.Packages {
		all = append(all, ask(packageKey(name), reqs.Pins[stage.NormalName(name)], "m.version('"+name+"')"))
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
