package stages

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// ANTs comes from a release zip, or is the distribution's own package.
type ANTs struct {
	Common
	Source       Source   `toml:"source" doc:"a release zip"`
	Distribution bool     `toml:"distribution" doc:"take the distribution's package instead of a release zip"`
	Commands     []string `toml:"commands" doc:"the programs and scripts to keep; all when left out"`
}

// antsPackaged is where each distribution's package puts the programs. Their
// names have no prefix there and are on no PATH.
var antsPackaged = map[string]string{"debian-13": "/usr/lib/ants"}

// Stage unpacks ANTs, or asks for its package.
func (a *ANTs) Stage(g Ground) (Stage, error) {
	if a.Distribution {
		return a.packaged(g.Run.Facts)
	}
	if a.Source.Empty() || a.Source.Git != "" {
		return Stage{}, errors.New("ants has no source that it can be made from\nhint: name a release zip, or take the distribution's package with distribution = true")
	}
	zip := *a // a itself stays as it was stated
	zip.Prefix = cmp.Or(a.Prefix, "/opt/ants")
	return zip.unpacked(g.Build)
}

func (a *ANTs) unpacked(on Base) (Stage, error) {
	source, err := a.Source.Input(on.Mirror)
	if err != nil {
		return Stage{}, err
	}
	layer := a.unpack(on, source)
	s := a.stage(a.Prefix + "/bin")
	s.Layer, s.Inputs = &layer, []llb.Input{source}
	return s, nil
}

func (a *ANTs) packaged(on Facts) (Stage, error) {
	bin, ok := antsPackaged[on.ID()]
	if !ok {
		return Stage{}, fmt.Errorf("%s has no ANTs package that is known\nhint: give the source of a release zip", on.ID())
	}
	if a.Prefix != "" || !a.Source.Empty() || len(a.Commands) > 0 {
		return Stage{}, errors.New("the distribution's ANTs takes no prefix, source or commands\nhint: its package has all programs, in " + bin)
	}
	s := a.stage(bin)
	s.Runtime = []string{"ants"}
	return s, nil
}

// stage is what both have in common. antsRegistration answers with the commit
// after the version in some builds, and Debian adds its own suffix.
func (a *ANTs) stage(bin string) Stage {
	return Stage{
		Common:  a.Common,
		Licence: Licence{SPDX: "Apache-2.0"},
		Path:    []string{bin},
		Env:     []string{"ANTSPATH=" + bin + "/"},
		Version: []Question{{Key: "ANTS_VERSION", Section: Software, Want: a.Version,
			Command: a.asked() + " --version", Pattern: `^ANTs Version: v?([0-9]+\.[0-9]+\.[0-9]+).*`}},
		Smoke: []Check{{a.asked() + " --help"}},
	}
}

// antsScript keeps bin alone: of 220 files in a release 100 are static
// libraries, which nothing needs at run time (ANTs issue 1587).
const antsScript = `
unzip -q %[1]s/*.zip '*/bin/*' -x '*.a' -d /tmp/ants
mkdir %[2]s/bin && cd /tmp/ants/*/bin
%[3]s
chmod -R a+rX %[2]s`

func (a *ANTs) unpack(on Base, source llb.Input) llb.State {
	const src = llb.Run + "/src"
	tools := llb.Apt{Component: a.Name, Action: "unzip", On: on.Root, Distribution: on.ID(),
		Packages: []string{"unzip"}, At: here()}
	return llb.Step{
		Component: a.Name,
		Action:    "unpack",
		On:        tools.Root(),
		Script:    fmt.Sprintf(antsScript, src, a.Prefix, a.keep()),
		Inputs:    []llb.Mount{{Target: src, State: source.Fetch(a.Name, here())}},
		Secrets:   a.Secrets,
		At:        here(),
	}.Layer(a.Prefix)
}

func (a *ANTs) keep() string {
	if len(a.Commands) == 0 {
		return "mv * " + a.Prefix + "/bin/"
	}
	return "mv " + strings.Join(a.Commands, " ") + " " + a.Prefix + "/bin/"
}

// asked is the program that tells the version: every ANTs program can.
func (a *ANTs) asked() string {
	for _, c := range a.Commands {
		if c == "antsRegistration" {
			return c
		}
	}
	for _, c := range a.Commands {
		if !strings.HasSuffix(c, ".sh") {
			return c
		}
	}
	return "antsRegistration"
}
