package project

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// asked is bases that note who asks for them.
type asked struct {
	known
	names []string
}

func (a *asked) Base(ctx context.Context, s stage.BaseSettings) (stage.Base, error) {
	a.names = append(a.names, s.Name)
	return a.known.Base(ctx, s)
}

// assembled puts targets together, on bases that are known.
func assembled(t *testing.T, targets []Target, o Options) []Image {
	t.Helper()
	images, err := Assemble(t.Context(), targets, somewhere(), o)
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	return images
}

// Each base is asked for once: those that the targets stand on, and then those
// that share a layer with them.
func TestAssembleAsksForBases(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	for _, tt := range []struct{ targets, want []string }{
		{[]string{"new"}, []string{"trixie", "focal"}},
		{[]string{"old", "new"}, []string{"focal", "trixie"}},
		{[]string{"packaged"}, []string{"trixie"}}, // no layer to share
		{[]string{"packaged", "ants"}, []string{"trixie", "focal"}},
	} {
		bases := &asked{known: somewhere()}
		if _, err := Assemble(t.Context(), picked(t, p, tt.targets...), bases, Options{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(bases.names, tt.want) {
			t.Errorf("%q asks for %q, want %q", tt.targets, bases.names, tt.want)
		}
	}
}

// A component without a layer is on several bases without sharing anything.
func TestAssembleAsksForNoBaseOfOthersPackages(t *testing.T) {
	t.Parallel()
	p := read(t, image+bases+packaged+`
[targets.new]
base = "trixie"
components = ["packaged"]

[targets.old]
base = "focal"
components = ["packaged"]
`)
	one := &asked{known: somewhere()}
	if _, err := Assemble(t.Context(), picked(t, p, "new"), one, Options{}); err != nil || !slices.Equal(one.names, []string{"trixie"}) {
		t.Errorf("asked for %q: %v", one.names, err)
	}
}

func TestAssembleFailsWithItsBases(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	for _, missing := range []string{"trixie", "focal"} {
		bases := somewhere()
		delete(bases, missing)
		_, err := Assemble(t.Context(), picked(t, p, "new"), bases, Options{})
		refuses(t, err, problem.Failed, "nobody knows base "+missing)
	}
}

// The assembly is told what the file says of the image.
func TestOn(t *testing.T) {
	t.Parallel()
	p := read(t, several+`remove_accounts = ["ubuntu"]
accounts.scu = { uid = 8004 }
`)
	target := picked(t, p, "old")[0]
	got := target.on(learned(somewhere()), Options{Created: time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)})
	base := somewhere()["focal"]
	if want := (assemble.Manifest{Service: "1.2", Base: base.Reference, Generated: "2024-05-01"}); got.Manifest != want {
		t.Errorf("manifest %+v, want %+v", got.Manifest, want)
	}
	if got.Name != "old" || got.At != target.At() || got.At.Line == 0 || got.Run.Name != "focal" || len(got.Members) != 1 {
		t.Errorf("%+v", got)
	}
	if a := got.Accounts; !slices.Equal(a.Remove, []string{"ubuntu"}) || len(a.Add) != 1 || a.Add[0].Name != "scu" {
		t.Errorf("accounts %+v", a)
	}
}

// What images on two bases share is made on the older one.
func TestAssembleSharesLayers(t *testing.T) {
	t.Parallel()
	both := assembled(t, picked(t, read(t, several), "new", "old"), Options{})
	for _, img := range both {
		for _, part := range img.Parts {
			made := slices.ContainsFunc(part.Notes, func(s string) bool { return strings.HasPrefix(s, "made on focal") })
			if want := img.Name == "new" && part.Name == "ants"; made != want {
				t.Errorf("%s of %s: %q", part.Name, img.Name, part.Notes)
			}
		}
	}
}

const dressed = image + `labels = { "org.example.a" = "image", "org.example.b" = "image", "org.example.c" = "image", "org.example.none" = "" }
` + bases + packaged + `
[targets.new]
base = "trixie"
components = ["packaged"]
labels = { "org.example.b" = "target", "org.example.c" = "target" }
env = { ZED = "1", ALPHA = "2" }
path = ["/opt/first"]
ports = ["8888", "53/udp"]
entrypoint = ["/init"]
cmd = ["serve"]
workdir = "/srv"
user = "1000"
healthcheck = { command = ["true"], retries = 3 }
`

func TestConfig(t *testing.T) {
	t.Parallel()
	got := assembled(t, picked(t, read(t, dressed)), Options{})[0].Config
	if !slices.Equal(got.Env, []string{"ANTSPATH=/usr/lib/ants/", "ALPHA=2", "ZED=1"}) || !slices.Equal(got.Ports, []string{"8888/tcp", "53/udp"}) {
		t.Errorf("variables %q, ports %q", got.Env, got.Ports)
	}
	if got.Path[0] != "/opt/first" || got.Entrypoint[0] != "/init" || got.Cmd[0] != "serve" || got.WorkingDir != "/srv" || got.User != "1000" {
		t.Errorf("%+v", got)
	}
	if got.Health == nil || got.Health.Retries != 3 {
		t.Errorf("health check %+v", got.Health)
	}
}

// The more it is said of this image, the more it counts.
func TestLabels(t *testing.T) {
	t.Parallel()
	got := assembled(t, picked(t, read(t, dressed)), Options{Labels: map[string]string{"org.example.c": "command"}})[0].Labels
	base := somewhere()["trixie"]
	want := map[string]string{
		"org.example.a": "image", "org.example.b": "target", "org.example.c": "command",
		"org.opencontainers.image.version":     "1.2",
		"org.opencontainers.image.base.name":   base.Reference,
		"org.opencontainers.image.base.digest": base.Digest,
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// Each licence is named once, and whose use is limited.
func TestLicenceLabels(t *testing.T) {
	t.Parallel()
	const licensed = `
[components.NAME]
stage = "apt"
version = "1"
packages = ["jq"]
licence = "LicenseRef-Odd"
non_commercial = true
`
	p := read(t, image+bases+packaged+strings.Replace(licensed, "NAME", "b", 1)+strings.Replace(licensed, "NAME", "a", 1)+`
[targets.all]
base = "trixie"
components = ["b", "packaged", "a"]
`)
	got := assembled(t, picked(t, p), Options{})[0].Labels
	if l := got["org.opencontainers.image.licenses"]; l != "LicenseRef-Odd AND Apache-2.0" {
		t.Errorf("licences are %q", l)
	}
	if l := got[NonCommercialLabel]; l != "a,b" {
		t.Errorf("not for commercial use: %q", l)
	}
}

// The manifest has a date, unless it is that of 1970.
func TestDate(t *testing.T) {
	t.Parallel()
	for at, want := range map[time.Time]string{{}: "", time.Unix(0, 0).UTC(): "", time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC): "2024-05-01"} {
		if got := date(at); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
}

// Unpinned sources are the stage's to refuse, where nobody asked before.
func TestAssembleRefuses(t *testing.T) {
	t.Parallel()
	one := picked(t, read(t, unpinnedProject), "one")
	_, err := Assemble(t.Context(), one, somewhere(), Options{})
	refuses(t, err, problem.ClassOf(err), "mrtrix3: source https://git.example/mrtrix3.git is not pinned", "c3d: source https://files.example/c3d.tar.gz is not pinned")
	if images, err := Assemble(t.Context(), one, somewhere(), Options{AllowUnpinned: true}); err != nil || len(images[0].Warnings()) != 2 {
		t.Errorf("with leave to take them: %v", err)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	p, err := Read(os.DirFS("../.."), "examples/osparc/components.toml", nil)
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	const date = "org.label-schema.build-date"
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	built := Options{Origin: func() osparc.Origin { return osparc.Origin{Built: at, Commit: "c0ffee"} }}
	img := assembled(t, picked(t, p, "runner"), built)[0]
	if img.Names[0] != "simcore/services/comp/runner-medimproc:1.5.0" {
		t.Errorf("its name is %s", img.Names[0])
	}
	for label, want := range map[string]string{date: "2024-05-01T12:00:00+0000", "org.label-schema.vcs-ref": "c0ffee", "org.label-schema.vcs-url": ""} {
		if got, ok := img.Labels[label]; got != want || !ok {
			t.Errorf("%s is %q, %v, want %q", label, got, ok, want)
		}
	}
	// The file's labels come before the service's.
	own, err := Read(os.DirFS("../.."), "examples/osparc/components.toml", []string{`image.labels={"org.label-schema.vcs-ref"="mine"}`})
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	if got := assembled(t, picked(t, own, "runner"), built)[0].Labels["org.label-schema.vcs-ref"]; got != "mine" {
		t.Errorf("the commit is %q", got)
	}
	// Without a date of its own the command's counts.
	_, err = Assemble(t.Context(), picked(t, p, "runner"), somewhere(), Options{})
	refuses(t, err, problem.ClassOf(err), "components.toml:31:10: target runner: the service has no build date", "\nhint: build in a git checkout")
	said := Options{Labels: map[string]string{date: "2024-06-01T12:00:00+0000"}}
	if got := assembled(t, picked(t, p, "runner"), said)[0].Labels[date]; got != said.Labels[date] {
		t.Errorf("the date is %s", got)
	}
}

// failing is what keeps nothing but errors.
type failing struct{}

func (failing) Known(stage.BaseSettings) (stage.Base, bool, error) {
	return stage.Base{}, false, errors.New("no such file")
}

func TestListed(t *testing.T) {
	t.Parallel()
	p := read(t, several)
	for _, tt := range []struct {
		component string
		kept      Kept
		want      string
	}{
		{"ants", somewhere(), "debian-13"},
		{"ants", known{"trixie": release("trixie", "ubuntu", "24.04", "2.39")}, "ubuntu-24.04"},
		{"ants", known{"focal": release("focal", "ubuntu", "20.04", "2.31")}, "debian-13"}, // another target's
		{"ants", failing{}, "debian-13"},
		{"lonely", known{}, "debian-13"},
	} {
		c, ok := p.Component(tt.component)
		if got := c.Listed(tt.kept).ID(); !ok || got != tt.want {
			t.Errorf("%s is listed on %s, want %s", tt.component, got, tt.want)
		}
	}
}
