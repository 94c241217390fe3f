package project

import (
	"errors"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// unpinnedProject has a base and sources that nothing pins, in two targets.
const unpinnedProject = image + `
[bases.trixie]
image = "registry.example/debian:trixie"

[bases.focal]
image = "registry.example/focal@sha256:` + digits + `"

[components.c3d]
version = "1.0.0"
source = { url = "https://files.example/c3d.tar.gz" }

[components.mrtrix3]
version = "3.0.8"
source.git = "https://git.example/mrtrix3.git"

[targets.one]
base = "trixie"
components = ["mrtrix3", "c3d"]

[targets.two]
base = "trixie"
components = ["c3d"]

[targets.three]
base = "focal"
components = ["c3d"]

[targets.odd]
base = "focal"
components = []
`

// What nothing pins is told of all targets at once, each once, bases first.
func TestRefused(t *testing.T) {
	t.Parallel()
	const (
		base = `components.toml:6:8: base trixie: image registry.example/debian:trixie is not pinned
hint: write registry.example/debian:trixie@sha256:<digest>, or take what is there today with --allow-unpinned
`
		mrtrix3 = `components.toml:16:13: mrtrix3: source https://git.example/mrtrix3.git is not pinned
hint: add commit = "<40 hexadecimal digits>", or take what is there today with --allow-unpinned
`
		c3d = `components.toml:12:13: c3d: source https://files.example/c3d.tar.gz is not pinned
hint: add sha256 = "<64 hexadecimal digits>", or take what is there today with --allow-unpinned
`
	)
	p := read(t, unpinnedProject)
	for _, tt := range []struct {
		targets []string
		want    string
	}{
		{[]string{"one", "two", "three"}, base + mrtrix3 + c3d},
		{[]string{"three", "two"}, base + c3d},
		{[]string{"three"}, c3d},
	} {
		err := Refused(picked(t, p, tt.targets...), known{})
		if got := problem.Text(err) + "\n"; got != tt.want {
			t.Errorf("%q: got\n%s\nwant\n%s", tt.targets, got, tt.want)
		}
		if code := problem.ExitCode(err); code != 1 {
			t.Errorf("exit code %d", code)
		}
	}
	if err := Refused(picked(t, p, "odd"), known{}); err != nil {
		t.Error(err)
	}
}

// loose is a tool with everything against it.
type loose struct{ stage.Common }

func (*loose) Accepted() error { return errors.New("its licence is not accepted") }

func (*loose) Stage(stage.Ground) (stage.Stage, error) {
	_, pin := stage.Source{URL: "https://files.example/a"}.Input(stage.Ground{})
	return stage.Stage{}, errors.Join(pin, errors.New("not for this base"))
}

// What depends on the base is not told before the base is known.
func TestRefusedTellsOfLicencesAndPinsAlone(t *testing.T) {
	t.Parallel()
	tool := &loose{stage.Common{Name: "tool"}}
	err := Refused([]Target{{Components: []Component{{Tool: tool}}}}, known{})
	refuses(t, err, problem.ClassOf(err), "tool: its licence is not accepted\n", "tool: source https://files.example/a is not pinned\nhint: add sha256")
	if strings.Contains(problem.Text(err), "not for this base") {
		t.Error(err)
	}
}

func TestCheckSecrets(t *testing.T) {
	t.Parallel()
	p := read(t, strings.Replace(several, "distribution = true\n", "distribution = true\nsecrets = [\"token\", \"key\"]\n", 1))
	both := picked(t, p, "old", "new")
	if err := CheckSecrets(both, map[string][]byte{"token": nil, "key": {1}}); err != nil {
		t.Error(err)
	}
	refuses(t, CheckSecrets(both, map[string][]byte{"token": {1}}), problem.Usage,
		"components.toml:17:13: component packaged needs the secret key\nhint: add --secret id=key,src=<path>")
	refuses(t, CheckSecrets(both[:1], map[string][]byte{"z": nil, "token": nil}), problem.Usage,
		"--secret: no component in this build uses the secret token\nhint: add secrets = [\"token\"] to the component that needs it")
	if err := CheckSecrets(both[:1], nil); err != nil {
		t.Error(err)
	}
}

func TestCheckNoCache(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	if err := p.CheckNoCache([]string{"ants", "lonely"}); err != nil {
		t.Error(err)
	}
	refuses(t, p.CheckNoCache([]string{"ants", "new"}), problem.Usage, `--no-cache: no component "new" in components.toml`)
}
