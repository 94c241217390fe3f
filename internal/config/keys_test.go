package config

import (
	"path/filepath"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages/stage"
)

// TestCommandsHaveTheirPlaces: a command that fails can be told at its key.
func TestCommandsHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "components.toml")
	testkit.Write(t, path, `
[components.tool]
stage = "make"
version = "1"
prefix = "/opt/tool"
licence = "MIT"
source = { url = "https://files.example/tool.tar.gz", sha256 = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a" }
configure = "./configure"
install = "make install"
version_command = "tool --version"
smoke = [
  "tool --help",
  "tool a",
]
`)
	f := loaded(t, path)
	tool, _ := f.Component("tool")
	keys := tool.Shared().Keys
	for key, line := range map[string]int{"configure": 8, "install": 9, "version_command": 10, "smoke[0]": 12, "smoke[1]": 13, "build": 0, "smoke[2]": 0} {
		if keys[key].Line != line {
			t.Errorf("%s is at line %d, want %d", key, keys[key].Line, line)
		}
	}
	var g stage.Generic
	g.VersionCommand, g.Smoke = "tool --version", []string{"tool --help", "tool a"}
	s, err := g.Describe(*tool.Shared(), stage.Facts{})
	if err != nil || s.Questions[0].At.Line != 10 || s.Smoke[1].At.Line != 13 {
		t.Errorf("%v: %+v %+v", err, s.Questions, s.Smoke)
	}
}
