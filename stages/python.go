package stages

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// File is a file of the user's, named in components.toml relative to it.
type File struct {
	At      llb.Position
	Path    string
	Content []byte
}

// Python is a virtual environment, filled by uv from a list of requirements
// with hashes.
type Python struct {
	Common
	Interpreter  string   `toml:"interpreter" doc:"the base's Python to build the environment with"`
	Requirements File     `toml:"requirements" doc:"a requirements file with a hash for every package, as uv pip compile --generate-hashes writes it"`
	Packages     []string `toml:"packages" doc:"the packages asked for, each with a line in the version manifest"`
}

const systemPython = "/usr/bin/python3"

// uv and the sha256 of its wheel for Linux on x86-64, from the Python index.
const (
	uvVersion = "0.13.9"
	uvSHA256  = "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19"
)

// Check reports what is wrong with the settings.
func (p *Python) Check() error {
	if p.Requirements.Path == "" {
		return errors.New("python has no requirements\nhint: name a file that uv pip compile --generate-hashes has written")
	}
	return nil
}

// Stage builds the environment.
func (p *Python) Stage(g Ground) (Stage, error) {
	pins, err := p.pins()
	if err != nil {
		return Stage{}, err
	}
	layer := p.install(g.Build)
	return Stage{
		Common:  p.Common,
		Licence: Licence{SPDX: "PSF-2.0"},
		Layer:   &layer,
		Runtime: p.runtime(),
		Path:    []string{p.Prefix + "/bin"},
		Version: p.questions(pins),
		Smoke:   []Check{{"python -c 'import " + "sys; sys.exit(sys.prefix != \"" + p.Prefix + "\")'"}},
	}, nil
}

func (p *Python) runtime() []string {
	if p.Interpreter == systemPython {
		return []string{"python3"}
	}
	return nil
}

// pythonScript drops the static libraries that some wheels bring for those who
// compile against them, and gives the sources their constant time before it compiles them:
// the byte code holds the time of its source.
const pythonScript = `
uv=%[1]s/uv/bin/uv
$uv venv --quiet --no-project --allow-existing --python %[2]s %[3]s
$uv pip install --quiet --python %[3]s/bin/python --require-hashes --no-deps --only-binary :all: --requirements %[1]s/in/requirements.txt
$uv pip check --quiet --python %[3]s/bin/python
find %[3]s -name '*.a' -delete
find %[3]s -exec touch -h -d @%[4]d {} +
%[3]s/bin/python -m compileall -q -j 0 %[3]s/lib`

func (p *Python) install(on Base) llb.State {
	tools := llb.Apt{Component: p.Name, Action: "pip", On: on.Root, Distribution: on.ID(),
		Packages: []string{"python3", "python3-pip"}, At: here()}.Root()
	return llb.Step{
		Component: p.Name,
		Action:    "install packages",
		On:        tools,
		Script:    fmt.Sprintf(pythonScript, llb.Run, p.Interpreter, p.Prefix, llb.Epoch),
		Env:       []string{"UV_CACHE_DIR=" + llb.Run + "/cache", "UV_LINK_MODE=copy", "UV_PYTHON_DOWNLOADS=never"},
		Inputs: []llb.Mount{
			{Target: llb.Run + "/uv", State: p.uv(tools)},
			{Target: llb.Run + "/in", State: llb.File("requirements.txt", p.Requirements.Content)},
		},
		Caches:  []llb.Cache{{Target: llb.Run + "/cache", ID: "medbuild/uv" + llb.Run + "/cache"}},
		Secrets: p.Secrets,
		Network: true,
		At:      here(),
	}.Layer(p.Prefix)
}

// uv is uv itself, installed with its hash by pip into a folder of its own.
func (p *Python) uv(on llb.State) llb.State {
	const to = "/uv"
	return llb.Step{
		Component: p.Name,
		Action:    "fetch uv",
		On:        on,
		Script: fmt.Sprintf("echo 'uv==%s --hash=sha256:%s' >/tmp/uv.txt\n"+
			"python3 -m pip install --quiet --no-cache-dir --no-compile --no-deps --require-hashes --root-user-action ignore --target %s -r /tmp/uv.txt",
			uvVersion, uvSHA256, to),
		Network: true,
		At:      here(),
	}.Output(to)
}

func (p *Python) questions(pins map[string]string) []Question {
	ask := func(key, want, expr string) Question {
		return Question{Key: key, Section: Packages, Want: want, Pattern: "(.+)",
			Command: p.Prefix + `/bin/python -c "import sys, importlib.metadata as m; print(` + expr + `)"`}
	}
	all := []Question{ask("PYTHON_VERSION", p.Version, "sys.version.split()[0]")}
	for _, name := range p.Packages {
		all = append(all, ask(packageKey(name), pins[normal(name)], "m.version('"+name+"')"))
	}
	return all
}

// packageKey is a package's line in the manifest. Two have a name there that
// differs from the index's.
func packageKey(name string) string {
	switch name = normal(name); name {
	case "torch":
		name = "pytorch"
	case "connected-components-3d":
		name = "cc3d"
	}
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_VERSION"
}

var (
	requirement = regexp.MustCompile(`(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?[ \t]*==[ \t]*([^\s;=][^\s;]*)(.*)`)
	continued   = regexp.MustCompile(`\\\r?\n`)
	separators  = regexp.MustCompile(`[-_.]+`)
)

// pins reads name and version of every requirement. Each needs a hash, and
// every package asked for must be among them.
func (p *Python) pins() (map[string]string, error) {
	pins := map[string]string{}
	lines := continued.ReplaceAllString(string(p.Requirements.Content), " ")
	for _, m := range requirement.FindAllStringSubmatch(lines, -1) {
		if !strings.Contains(m[3], "--hash=sha256:") {
			return nil, fmt.Errorf("%s: %s==%s has no hash\nhint: write the file with uv pip compile --generate-hashes", p.Requirements.Path, m[1], m[2])
		}
		pins[normal(m[1])] = m[2]
	}
	for _, name := range p.Packages {
		if pins[normal(name)] == "" {
			return nil, fmt.Errorf("package %s is not pinned in %s\nhint: write %s==<version> with its hashes there", name, p.Requirements.Path, name)
		}
	}
	return pins, nil
}

// normal is a package's name as the Python index compares it (PEP 503).
func normal(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}
