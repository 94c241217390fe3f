package assemble

import (
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

// TestTargetRefusesLayersInEachOther: stages have prefixes that the settings
// leave out, so the finished target is looked at too. All problems come at once.
func TestTargetRefusesLayersInEachOther(t *testing.T) {
	t.Parallel()
	at := problem.Position{File: "components.toml", Line: 9, Col: 1}
	inner := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Prefix, m.At = "/opt/ants/mrtrix3", at })
	manifest := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Name, m.Prefix = "odd", ManifestPath })
	_, err := newTarget("t", stagetest.Trixie(), zipANTs(), inner, manifest).Assemble()
	testkit.WantText(t, err, "components.toml:9:1: the prefix /opt/ants/mrtrix3 of mrtrix3 is inside /opt/ants, the prefix of ants", "hint:",
		"odd: its prefix "+ManifestPath+" would overwrite the version manifest or the notices")
}

func TestTargetRefusesTheBasesFolders(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"/opt": "a folder of the base system", "/usr/local": "a folder of the base system", "/usr/local/bin": "a folder of the base system",
		"/var/lib/dpkg": "a folder of the base system", "/var/lib/dpkg/info": "a folder of the base system",
		"/etc/profile.d": "a folder of the base system", "/usr/lib/x86_64-linux-gnu": "a folder of the base system",
		"/usr": "a folder of the base system", "/etc": "a folder of the base system", "/": "a folder of the base system",
		"/tmp/x": "lies in /tmp", "/proc": "lies in /proc", "/run/medbuild/x": "lies in /run",
	} {
		m := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Prefix = prefix })
		_, err := newTarget("t", stagetest.Focal(), m).Assemble()
		testkit.WantText(t, err, "mrtrix3: prefix "+prefix, want, "hint: choose a folder")
	}
	for _, prefix := range []string{"/usr/local/mrtrix3", "/home/jovyan/mrtrix3", "/mrtrix3", "/usr/lib/mrtrix3", "/var/lib/mrtrix3"} {
		m := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Prefix = prefix })
		if _, err := newTarget("t", stagetest.Focal(), m).Assemble(); err != nil {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}

// Commands of the user's have the prefix in them as it is.
func TestTargetRefusesAPrefixThatShellsTakeApart(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"/opt/my tool", "/opt/$(id)", "/opt/it's", "/opt/a\nb", "opt/tool"} {
		m := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Prefix = prefix })
		_, err := newTarget("t", stagetest.Focal(), m).Assemble()
		testkit.WantText(t, err, "mrtrix3: prefix ", "is not an absolute path of letters, digits", "hint: programs of a component")
	}
}

func TestTargetRefusesALicenceInTheBase(t *testing.T) {
	t.Parallel()
	on := stagetest.Trixie()
	on.Licences = []string{"/usr/local/freesurfer/license.txt"}
	_, err := newTarget("t", on, newMRtrix3("3.0.8")).Assemble()
	testkit.WantText(t, err, "base trixie: /usr/local/freesurfer/license.txt of the base looks like a FreeSurfer licence", "hint: use a base without it")
}

func TestTargetRefusesANewerCLibrary(t *testing.T) {
	t.Parallel()
	target := newTarget("t", stagetest.Focal())
	target.Members = madeOn(stagetest.Trixie(), newMRtrix3("3.0.8"))
	_, err := target.Assemble()
	testkit.WantText(t, err, "mrtrix3: ", "C library 2.41 is newer than 2.31", "hint: make it on the base with the oldest C library")

	target = newTarget("t", stagetest.Trixie())
	target.Members = madeOn(stagetest.Focal(), newMRtrix3("3.0.8"))
	if _, err := target.Assemble(); err != nil {
		t.Errorf("an older C library: %v", err)
	}
}

func TestBuildOn(t *testing.T) {
	t.Parallel()
	libc := func(id, version string) stage.Base {
		b := stagetest.OnRelease(id)
		b.Name, b.Libc = id, version
		return b
	}
	focal, jammy := libc("ubuntu-20.04", "2.31"), libc("ubuntu-22.04", "2.35")
	bookworm, noble, trixie := libc("debian-12", "2.36"), libc("ubuntu-24.04", "2.39"), libc("debian-13", "2.41")
	all := []stage.Base{trixie, focal, noble, jammy, bookworm, libc("fedora-40", "2.12"), libc("debian-13", "")}
	mrtrix3 := newMRtrix3("3.0.8")
	for _, tt := range []struct {
		tool stage.Tool
		run  stage.Base
		want string
	}{
		{mrtrix3, trixie, "debian-12"}, {mrtrix3, noble, "debian-12"}, {mrtrix3, bookworm, "debian-12"}, // libtiff6
		{mrtrix3, focal, "ubuntu-20.04"}, {mrtrix3, jammy, "ubuntu-20.04"}, // libtiff5
		{zipANTs(), trixie, "fedora-40"}, // needs no library
	} {
		if got := BuildOn(tt.tool, tt.run, all).Name; got != tt.want {
			t.Errorf("%s for %s is made on %s, want %s", tt.tool.Shared().Name, tt.run.Name, got, tt.want)
		}
	}
	if got := BuildOn(mrtrix3, trixie, nil).Name; got != "debian-13" {
		t.Errorf("alone it is made on %s", got)
	}
}

// TestPlace: what is said of a layer is which images share it, and why others
// do not; the base of the image itself is among those given.
func TestPlace(t *testing.T) {
	t.Parallel()
	focal, bookworm, trixie := stagetest.Focal(), stagetest.Bookworm(), stagetest.Trixie()
	const shared = ", whose C library is older: images on both share it"
	unshared := func(with stage.Base) string { return "not shared with images on " + with.Name + ": it needs libtiff" }
	for _, tt := range []struct {
		tool   stage.Tool
		run    stage.Base
		others []stage.Base
		on     string
		notes  []string
	}{
		{newMRtrix3("3.0.8"), trixie, nil, trixie.Name, nil},
		{newMRtrix3("3.0.8"), trixie, []stage.Base{trixie}, trixie.Name, nil},
		{newMRtrix3("3.0.8"), trixie, []stage.Base{trixie, focal, bookworm, focal}, bookworm.Name,
			[]string{"made on " + bookworm.Name + shared, unshared(focal)}},
		{zipANTs(), trixie, []stage.Base{focal, trixie}, focal.Name, []string{"made on " + focal.Name + shared}},
		{zipANTs(), focal, []stage.Base{focal, trixie}, focal.Name, nil},
	} {
		got := Place(tt.tool, tt.run, tt.others)
		same := slices.EqualFunc(got.Notes, tt.notes, strings.HasPrefix)
		if got.Tool != tt.tool || got.Build.Name != tt.on || !same {
			t.Errorf("%s on %s is made on %s, want %s; %q, want %q", tt.tool.Shared().Name, tt.run.Name, got.Build.Name, tt.on, got.Notes, tt.notes)
		}
	}
}

func TestShareable(t *testing.T) {
	t.Parallel()
	fedora := stagetest.OnRelease("fedora-40")
	for _, tt := range []struct {
		tool stage.Tool
		run  stage.Base
		want bool
	}{
		{zipANTs(), stagetest.Trixie(), true},
		{quickANTs(), stagetest.Trixie(), false}, // the distribution's package
		{newMRtrix3("3.0.8"), fedora, false},     // no stage at all
		{testkit.With(zipANTs(), func(a *stages.ANTs) { a.Source.SHA256 = "" }), stagetest.Trixie(), true}, // refused elsewhere
	} {
		if got := Shareable(tt.tool, tt.run); got != tt.want {
			t.Errorf("%s on %s: %v", tt.tool.Shared().Name, tt.run.ID(), got)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	at := problem.Position{File: "components.toml", Line: 3, Col: 1}
	old := stage.Base{Facts: stage.Facts{Distribution: "ubuntu", Release: "20.04", Libc: "2.31"}}
	for _, tt := range []struct {
		input llb.Input
		want  string
	}{
		{llb.Input{Kind: llb.Archive, Address: "https://a.example/tool-1.0-ubuntu-24.04-x64.zip", Pin: "sha256:x", At: at},
			"components.toml:3:1: tool: tool-1.0-ubuntu-24.04-x64.zip was made for ubuntu-24, whose C library 2.39 is newer than 2.31 of ubuntu-20.04"},
		{llb.Input{Kind: llb.Archive, Address: "https://a.example/tool-centos7_x86.tar.gz", Pin: "sha256:x"}, ""},
		{llb.Input{Kind: llb.Archive, Address: "https://a.example/c3d-nightly-Linux.tar.gz", Pin: "sha256:x"}, "(nightly)"},
		{llb.Input{Kind: llb.Archive, Address: "https://a.example/x/refs/heads/main.zip", Pin: "sha256:x"}, "(refs/heads)"},
		{llb.Input{Kind: llb.Archive, Address: "https://latest.example/headers/masterful-1.zip", Pin: "sha256:x"}, ""},
		{llb.Input{Kind: llb.Git, Address: "https://a.example/nightly.git", Pin: "c0"}, ""},
		{llb.Input{Kind: llb.Archive, Address: "https://a.example/a.zip", At: at}, "components.toml:3:1: tool: https://a.example/a.zip is not pinned"},
	} {
		p := Part{Stage: stage.Stage{Common: stage.Common{Name: "tool"}, Inputs: []llb.Input{tt.input}}}
		got := strings.Join(Image{Base: old, Parts: []Part{p}}.Warnings(), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.input.Address, got, tt.want)
		}
	}
}
