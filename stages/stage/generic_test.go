package stage

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

func told(change func(g *Generic)) *Generic {
	g := &Generic{Licence: "MIT", VersionCommand: "{prefix}/bin/tool --version", Smoke: []string{"ls {prefix}"},
		Path: []string{"bin", "/usr/lib/tool/"}, Env: map[string]string{"TOOL": "{prefix}/share", "A": "1"}, Runtime: Debs{"any": {"bc"}}}
	if change != nil {
		change(g)
	}
	return g
}

func TestGenericComplete(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(g *Generic){
		"states no licence\nhint: add licence":                   func(g *Generic) { g.Licence = "" },
		"PATH cannot be replaced, only extended\nhint: list":     func(g *Generic) { g.Env["PATH"] = "/x" },
		"version_pattern \"x\" has no group\nhint: put ( )":      func(g *Generic) { g.VersionPattern = "x" },
		"nothing tests the component\nhint: add version_command": func(g *Generic) { g.VersionCommand, g.Smoke = "", nil },
	} {
		testkit.WantText(t, told(change).Complete(true), want)
	}
	if err := told(func(g *Generic) { g.VersionCommand, g.Smoke = "", nil }).Complete(false); err != nil {
		t.Errorf("data needs no test: %v", err)
	}
	if err := told(nil).Complete(true); err != nil {
		t.Error(err)
	}
}

func TestGenericDescribe(t *testing.T) {
	t.Parallel()
	c := Common{Name: "my-tool", Version: "1.2", Prefix: "/opt/tool"}
	s, err := told(func(g *Generic) { g.VersionPattern = `tool\/([0-9]+)/x` }).Describe(c, release("debian-13"))
	if err != nil {
		t.Fatal(err)
	}
	want := Question{Key: "MY_TOOL_VERSION", Section: Software, Command: "/opt/tool/bin/tool --version", Pattern: `tool\/([0-9]+)\/x`, Want: "1.2"}
	if len(s.Questions) != 1 || s.Questions[0] != want {
		t.Errorf("questions %+v, want %+v", s.Questions, want)
	}
	if !slices.Equal(s.Path, []string{"/opt/tool/bin", "/usr/lib/tool"}) || !slices.Equal(s.Env, []string{"A=1", "TOOL=/opt/tool/share"}) {
		t.Errorf("path %q, variables %q", s.Path, s.Env)
	}
	if !slices.Equal(s.Smoke, Checks("ls /opt/tool")) || !slices.Equal(s.Runtime, []string{"bc"}) || s.Licence.SPDX != "MIT" {
		t.Errorf("%+v", s)
	}
	s, err = told(func(g *Generic) { g.VersionKey, g.VersionCommand = "KEY", "" }).Describe(c, release("debian-13"))
	if err != nil || s.Questions != nil {
		t.Errorf("without a command it asks %+v, %v", s.Questions, err)
	}
	if got := (&Generic{VersionKey: "KEY"}).ManifestKey("tool"); got != "KEY" {
		t.Errorf("key %s", got)
	}
	_, err = told(nil).Describe(Common{Name: "tool"}, release("debian-13"))
	testkit.WantText(t, err, `path "bin" is relative, but the component has no prefix`, "hint: write an absolute path")
	_, err = told(func(g *Generic) { g.Runtime = Debs{"debian-12": {"x"}} }).Describe(c, release("debian-13"))
	testkit.WantText(t, err, "the packages that my-tool needs at run time are listed for debian-12, not for debian-13")
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]Account{
		"uid must be 1 or more":                {},
		"gid 0 or more\nhint: add uid = 1000":  {UID: 1, GID: -1},
		"home and shell must be absolute path": {UID: 1, Home: "home"},
		"shell must be absolute":               {UID: 1, Shell: "bash"},
	} {
		testkit.WantText(t, a.Check(), want)
	}
	got := Account{Name: "me", UID: 7}.Complete()
	if got.Check() != nil || got.GID != 7 || got.Home != "/home/me" || got.Shell != "/bin/bash" {
		t.Errorf("%+v", got)
	}
	if !(Accounts{}).None() || (Accounts{Remove: []string{"me"}}).None() || (Accounts{Add: []Account{got}}).None() {
		t.Error("none is not told from some")
	}
}

func TestServes(t *testing.T) {
	t.Parallel()
	if err := Serves("ants", nil, []string{"a"}); err != nil {
		t.Error(err)
	}
	if err := Serves("ants", []string{"a", "b"}, []string{"b"}); err != nil {
		t.Error(err)
	}
	testkit.WantText(t, Serves("ants", []string{"a"}, []string{"b", "a", "c"}), "b, c, which the commands of ants leave out\nhint: add \"b\", \"c\" to")
	for program, works := range map[string]bool{"false": true, "true": true, "no-such-program": false} {
		if _, err := shell(Starts(program).Command); (err == nil) != works {
			t.Errorf("%s starts: %v", program, err)
		}
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	layer := llb.Image("base@sha256:" + testkit.SHA256)
	for _, tt := range []struct {
		s    Stage
		want string
	}{
		{Stage{Common: Common{Prefix: "/opt/x"}}, ""},
		{Stage{Common: Common{Prefix: "/opt/x"}, Layer: &layer}, "/opt/x"},
		{Stage{Common: Common{Prefix: "/opt/x"}, Layer: &layer, Places: []string{"/a", "/b"}}, "/a /b"},
	} {
		if got := strings.Join(tt.s.Holds(), " "); got != tt.want {
			t.Errorf("holds %q, want %q", got, tt.want)
		}
	}
	if got := Packages.File(); got != "python-packages" {
		t.Errorf("the answers are in %s", got)
	}
}

// shell runs a command as a check does.
func shell(command string) (string, error) {
	out, err := exec.Command("/bin/sh", "-c", command).CombinedOutput()
	return string(out), err
}
