package project

import (
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

const (
	digits = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
	image  = `
[image]
name = "registry.example/tools"
version = "1.2"
`
	bases = `
[bases.trixie]
image = "registry.example/trixie@sha256:` + digits + `"

[bases.focal]
image = "registry.example/focal@sha256:` + digits + `"
`
	ants = `
[components.ants]
version = "2.5.4"
prefix = "/opt/ants"
source = { url = "https://files.example/ants.zip", sha256 = "` + digits + `" }
`
	packaged = `
[components.packaged]
stage = "ants"
version = "2.5.4"
distribution = true
`
	lonely = `
[components.lonely]
stage = "ants"
version = "2.5.4"
distribution = true
`
	targets = `
[targets.new]
base = "trixie"
components = ["packaged", "ants"]

[targets.old]
base = "focal"
name = "registry.example/old"
components = ["ants"]
`
	several = image + bases + ants + packaged + lonely + targets
)

func TestSelect(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	for _, tt := range []struct{ name, base, components, reference, at string }{
		{"new", "trixie", "packaged ants", "registry.example/tools:1.2", "components.toml:27:10"},
		{"old", "focal", "ants", "registry.example/old:1.2", "components.toml:31:10"},
		// A component alone stands on the base of the first target that has it.
		{"ants", "trixie", "ants", "registry.example/tools-ants:1.2", "components.toml:27:10"},
		{"packaged", "trixie", "packaged", "registry.example/tools-packaged:1.2", "components.toml:27:10"},
	} {
		got := picked(t, p, tt.name)[0]
		var names []string
		for _, c := range got.Components {
			names = append(names, c.Name())
		}
		if got.Name != tt.name || got.Base.Name != tt.base || strings.Join(names, " ") != tt.components {
			t.Errorf("%s is %s with %q on %s, want %q on %s", tt.name, got.Name, names, got.Base.Name, tt.components, tt.base)
		}
		if !slices.Equal(got.Names, []string{tt.reference}) {
			t.Errorf("the images of %s are %q, want %s", tt.name, got.Names, tt.reference)
		}
		if got.At().String() != tt.at {
			t.Errorf("%s is at %s, want %s", tt.name, got.At(), tt.at)
		}
	}
}

// Targets come in the order in which they are named.
func TestSelectKeepsTheOrder(t *testing.T) {
	t.Parallel()
	got := picked(t, read(t, several), "ants", "old", "new")
	if got[0].Name != "ants" || got[1].Name != "old" || got[2].Name != "new" || len(got) != 3 {
		t.Errorf("%+v", got)
	}
}

func TestSelectRefuses(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	const choice = "hint: --target takes one of new, old, ants, packaged"
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, "no target given\n" + choice},
		{[]string{"new", "old", "reserch"}, `no target or component "reserch" in components.toml` + "\n" + choice},
		{[]string{"lonely"}, `components.toml:22:13: no target has the component "lonely", so its base is not known` +
			"\nhint: add \"lonely\" to the components of a target"},
	} {
		_, err := p.Select(tt.names)
		refuses(t, err, problem.Usage)
		if got := problem.Text(err); got != tt.want {
			t.Errorf("%q: got\n%s\nwant\n%s", tt.names, got, tt.want)
		}
	}
}

// With one target none need be named, and with one base a component needs no
// target.
func TestSelectWithOneOfEach(t *testing.T) {
	t.Parallel()
	oneBase, _, _ := strings.Cut(bases, "[bases.focal]")
	p := read(t, image+oneBase+packaged+lonely+`
[targets.only]
base = "trixie"
components = ["packaged"]
`)
	if got := picked(t, p); len(got) != 1 || got[0].Name != "only" {
		t.Errorf("%+v", got)
	}
	alone := picked(t, p, "lonely")[0]
	if alone.Base.Name != "trixie" || alone.At() != alone.Components[0].Tool.Shared().At {
		t.Errorf("lonely stands on %q, at %s", alone.Base.Name, alone.At())
	}
	_, err := p.Select([]string{"none"})
	refuses(t, err, problem.Usage, "--target takes one of only, packaged, lonely")
}

func TestTagged(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	tags := []string{"localhost/a:1", "b:2"}
	got, err := Tagged(picked(t, p, "old"), tags)
	if err != nil || !slices.Equal(got[0].Names, tags) {
		t.Errorf("%q, %v", got[0].Names, err)
	}
	if again := picked(t, p, "old")[0].Names[0]; again != "registry.example/old:1.2" {
		t.Errorf("the project's own target is called %s now", again)
	}
	both := picked(t, p, "old", "new")
	if got, err := Tagged(both, nil); err != nil || got[1].Names[0] != "registry.example/tools:1.2" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = Tagged(both, tags)
	refuses(t, err, problem.Usage, "--tag names one image, but several targets are built\nhint: give each target a name in the file")
	_, err = Tagged(both[:1], []string{"a", "A B"})
	refuses(t, err, problem.Usage, `--tag "A B": invalid reference format`, "\nhint: write it as in --tag registry.example.org/name:1.0")
	_, err = Tagged(both[:1], []string{"a@sha256:" + digits})
	refuses(t, err, problem.Usage, "has a digest, which only the build determines\nhint: leave out the part from @ on")
}

func TestPushable(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"registry.example/a:1": true, "localhost/a:1": true, "machine:5000/a:1": true, "example/a:1": false, "a:1": false, "a.b:1": false,
	} {
		err := Pushable([]Target{{Names: []string{"localhost/first", name}}})
		if ok && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !ok {
			refuses(t, err, problem.Usage, "--push: "+name+" has no registry in its name\nhint: name one, as in --tag registry.example.org/"+name)
		}
	}
}

func TestDistinct(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	if err := Distinct(picked(t, p, "new", "old", "ants")); err != nil {
		t.Error(err)
	}
	p = read(t, strings.Replace(several, `name = "registry.example/old"`, "", 1))
	refuses(t, Distinct(picked(t, p, "ants", "new", "old")), problem.Usage,
		"targets new and old have the same image name registry.example/tools:1.2\nhint: give each target a name in the file, or build them one after the other")
}
