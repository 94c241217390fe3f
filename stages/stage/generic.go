package stage

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// Generic is what a stage that knows no tool must be told about it. The stages
// that embed it need a table in components.toml and no Go. {prefix} in a
// command or a variable stands for the component's prefix.
type Generic struct {
	Licence        string            `toml:"licence" form:"spdx" doc:"the licence: an SPDX expression, or LicenseRef-… for one that SPDX does not list"`
	NonCommercial  bool              `toml:"non_commercial" doc:"the licence allows non-commercial use only"`
	Runtime        Debs              `toml:"runtime" form:"package" keys:"release" doc:"distribution packages it needs at run time: a list for every release, or a table of lists by release, such as debian-13, and \"any\""`
	Path           []string          `toml:"path" form:"path" doc:"folders for PATH, below the prefix or absolute"`
	Env            map[string]string `toml:"env" empty:"values" form:"text" keys:"variable" doc:"environment variables in the image; {prefix} stands for the prefix"`
	VersionCommand string            `toml:"version_command" form:"shell" doc:"shell command that prints the version"`
	VersionPattern string            `toml:"version_pattern" form:"text" doc:"extended regular expression whose first group is the version in the output of the command; the first number with dots when left out"`
	VersionKey     string            `toml:"version_key" form:"variable" doc:"the key of the version in the version manifest; NAME_VERSION when left out"`
	Smoke          []string          `toml:"smoke" form:"shell" doc:"shell commands that must succeed in the finished component"`
}

// anyVersion finds the first number with dots in it.
const anyVersion = `([0-9]+(\.[0-9A-Za-z]+)+)`

// Complete reports what is missing from the settings. tested says that the
// component must be seen to work.
func (s *Generic) Complete(tested bool) error {
	switch _, path := s.Env["PATH"]; {
	case s.Licence == "":
		return problem.Refusedf("the component states no licence").
			Hint(`add licence = "…", an SPDX expression or LicenseRef-…`)
	case path:
		return problem.Refusedf("PATH cannot be replaced, only extended").
			Hint(`list the folders to put in front of it as path = ["…"]`)
	case s.VersionPattern != "" && !strings.Contains(s.VersionPattern, "("):
		return problem.Refusedf("version_pattern %q has no group", s.VersionPattern).
			Hint("put ( ) around the part that is the version")
	case tested && s.VersionCommand == "" && len(s.Smoke) == 0:
		return problem.Refusedf("nothing tests the component").
			Hint(`add version_command = "…", or smoke = ["…"] for a tool that does not report its version`)
	}
	return nil
}

// Describe is what the settings say of the component, on the base it will run on.
// The layer is the caller's.
func (s *Generic) Describe(c Common, on Facts) (Stage, error) {
	runtime, err := s.Runtime.On(on, "the packages that "+c.Name+" needs at run time")
	if err != nil {
		return Stage{}, err
	}
	folders, err := s.folders(c.Prefix)
	return Stage{
		Common:    c,
		Licence:   Licence{SPDX: s.Licence, NonCommercial: s.NonCommercial},
		Runtime:   runtime,
		Path:      folders,
		Env:       s.variables(c.Prefix),
		Questions: s.questions(c),
		Smoke:     s.checks(c),
	}, err
}

func (s *Generic) folders(prefix string) ([]string, error) {
	var out []string
	for _, dir := range s.Path {
		if !path.IsAbs(dir) && prefix == "" {
			return nil, problem.Refusedf("path %q is relative, but the component has no prefix", dir).
				Hint("write an absolute path")
		}
		out = append(out, Below(prefix, dir))
	}
	return out, nil
}

// Below is an absolute path: p itself, or p in the folder.
func Below(folder, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(folder, p)
}

func (s *Generic) variables(prefix string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		out = append(out, k+"="+filled(s.Env[k], prefix))
	}
	return out
}

func (s *Generic) questions(c Common) []Question {
	if s.VersionCommand == "" {
		return nil
	}
	return []Question{{Key: s.ManifestKey(c.Name), Section: Software, Want: c.Version,
		Command: filled(s.VersionCommand, c.Prefix), Pattern: s.pattern(), At: c.Keys["version_command"]}}
}

// ManifestKey is the line of the component in the version manifest.
func (s *Generic) ManifestKey(name string) string {
	if s.VersionKey != "" {
		return s.VersionKey
	}
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_VERSION"
}

// pattern is the user's, with the sign that ends it in the question escaped.
func (s *Generic) pattern() string {
	if s.VersionPattern == "" {
		return anyVersion
	}
	return slash.ReplaceAllStringFunc(s.VersionPattern, func(found string) string {
		if found == "/" {
			return `\/`
		}
		return found
	})
}

// slash is a slash, or a sign that is escaped already and stays.
var slash = regexp.MustCompile(`(?s)\\.|/`)

func (s *Generic) checks(c Common) []Check {
	var out []Check
	for i, command := range s.Smoke {
		out = append(out, Check{Command: filled(command, c.Prefix), At: c.Keys[fmt.Sprintf("smoke[%d]", i)]})
	}
	return out
}

func filled(text, prefix string) string { return strings.ReplaceAll(text, "{prefix}", prefix) }
