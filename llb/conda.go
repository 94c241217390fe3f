package llb

import (
	_ "embed" // conda.py and scripts/conda.sh
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Conda installs conda packages at the prefix they are used at, offline: each
// package is an input of its own, fetched by BuildKit beside the others.
type Conda struct {
	Component    string
	On           State    // the root file system it installs on; its distribution has Python 3.8 or newer
	Distribution string   // such as "debian-13"
	Prefix       string   // where the environment lies, in the builder and in the image
	Packages     []Input  // archives; their addresses end in subdir and file: linux-64/bzip2-1.0.8-h4bc722e_7.conda
	Env          []string // "KEY=value" around the packages' own scripts
	Commands     Commands // what goes on PATH; the zero value makes no folder for it
	Prune        []string // patterns of what to leave out: a name in any folder, or a path below Prefix with a slash in it; * stands for no slash
	Keep         []string // patterns of what to keep of that
	Script       string   // POSIX shell that runs in Prefix at the end
	Secrets      []string
	At           Location
}

// Commands is a folder with links to some of an environment's programs, for
// PATH: an environment's own bin holds a Python, a shell and other programs
// that would stand before the base's.
type Commands struct {
	Folder  string   // relative to the prefix
	Package string   // whose programs; "" for any package's
	Names   []string // all of the package's when empty
}

// The installer, and the sha256 of its wheel for Linux on x86-64, from the
// Python index. The last release that runs on Python 3.8, which Ubuntu 20.04
// has.
const (
	rattlerVersion = "0.25.0"
	rattlerSHA256  = "b642304155f492c7dd3eb772df5e8e97942bff445ab8e343dc7a173e3efbfcf1"
)

//go:embed conda.py
var condaInstaller []byte

// The folders of the install step.
const (
	condaChannel = Run + "/channel" // the packages, as a channel has them
	condaRattler = Run + "/rattler"
	condaIn      = Run + "/in"
)

// condaScript keeps the package cache out of the layer, and gives the sources
// their constant time before they are compiled: the byte code holds the time
// of its source. Python's own tests hold files that do not compile, on purpose.
//
//go:embed scripts/conda.sh
var condaScript string

// Layer is the environment: one layer that holds nothing else. It depends on
// the packages, not on the order they are named in.
func (c Conda) Layer() State {
	tools := c.tools()
	inputs := []Mount{
		{Target: condaRattler, State: c.rattler(tools)},
		{Target: Run + "/conda", State: File("conda.py", condaInstaller)},
		{Target: condaIn, State: File("packages.txt", c.list())},
	}
	for _, p := range c.sorted() {
		inputs = append(inputs, Mount{Target: condaChannel + "/" + condaPath(p), State: p.Fetch(c.Component, c.At), File: p.File()})
	}
	return Step{
		Component: c.Component,
		Action:    "install",
		On:        tools,
		Script:    Script(condaScript, Values{"PREFIX": c.Prefix, "EPOCH": fmt.Sprint(Epoch)}, Code{"OPTIONS": c.options(), "SCRIPT": c.Script + "\n"}),
		Env:       append(slices.Clone(c.Env), "PYTHONHASHSEED=0"),
		Inputs:    inputs,
		Secrets:   c.Secrets,
		At:        c.At,
	}.Layer(c.Prefix)
}

func (c Conda) tools() State {
	return Apt{Component: c.Component, Action: "pip", On: c.On, Distribution: c.Distribution,
		Packages: []string{"python3", "python3-pip"}, At: c.At}.Root()
}

// rattler is the installer.
func (c Conda) rattler(on State) State {
	return Pip{Component: c.Component, Name: "py-rattler", Version: rattlerVersion, SHA256: rattlerSHA256, On: on, At: c.At}.Output(condaRattler)
}

// list names the packages and where each comes from: the environment's own
// records say so, for those who ask what is in an image.
func (c Conda) list() []byte {
	var b strings.Builder
	for _, p := range c.sorted() {
		fmt.Fprintf(&b, "%s %s %d\n", condaPath(p), p.Address, p.Size)
	}
	return []byte(b.String())
}

func (c Conda) sorted() []Input {
	at := map[string]Input{} // addresses are parsed once
	for _, p := range c.Packages {
		at[condaPath(p)] = p
	}
	var out []Input
	for _, path := range slices.Sorted(maps.Keys(at)) {
		out = append(out, at[path])
	}
	return out
}

// condaPath is a package's place in a channel: "linux-64/zlib-1.3.1-hb9d3cd8_2.conda".
func condaPath(i Input) string { return path.Base(path.Dir(i.Address)) + "/" + i.File() }

func (c Conda) options() string {
	var b strings.Builder
	option := func(name, value string) { fmt.Fprintf(&b, " \\\n  --%s %s", name, Quote(value)) }
	for _, p := range c.Prune {
		option("prune", p)
	}
	for _, p := range c.Keep {
		option("keep", p)
	}
	if c.Commands.Folder != "" {
		option("commands", c.Commands.Folder)
		option("package", c.Commands.Package)
	}
	for _, n := range c.Commands.Names {
		option("command", n)
	}
	return b.String()
}
