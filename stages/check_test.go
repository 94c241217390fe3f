package stages

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/llb"
)

func TestApart(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"/opt/fsl", "/opt/ants", ""}, {"", "/opt/ants", ""}, {"", "", ""}, {"/opt/fsl", "/opt/fsl6", ""},
		{"/opt/fsl", "/opt/fsl", "a and b have the same prefix /opt/fsl\nhint: "},
		{"/opt/fsl/ants", "/opt/fsl", "the prefix /opt/fsl/ants of a lies inside /opt/fsl, the prefix of b\nhint: "},
		{"/opt", "/opt/fsl", "the prefix /opt/fsl of b lies inside /opt, the prefix of a\nhint: "},
	} {
		err := Apart(Common{Name: "a", Prefix: tt.a}, Common{Name: "b", Prefix: tt.b})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%s and %s: %v, want %q", tt.a, tt.b, err, tt.want)
		}
	}
}

// TestTargetRefusesLayersInEachOther: stages have prefixes that the settings
// leave out, so the finished target is looked at too. All problems come at once.
func TestTargetRefusesLayersInEachOther(t *testing.T) {
	at := llb.Position{File: "components.toml", Line: 9, Col: 1}
	inner := with(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Prefix, m.At = "/opt/ants/mrtrix3", at })
	manifest := with(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Name, m.Prefix = "odd", ManifestPath })
	_, err := newTarget("t", trixie(), zipANTs(), inner, manifest).Assemble()
	wantText(t, err, "components.toml:9:1: the prefix /opt/ants/mrtrix3 of mrtrix3 lies inside /opt/ants, the prefix of ants", "hint:",
		"odd: its prefix "+ManifestPath+" is where the version manifest and the notices lie")
}

// TestUnpinnableAddresses: wherever an address can stand, ftp is refused at its
// line.
func TestUnpinnableAddresses(t *testing.T) {
	requirements := "# wheels\nnumpy==2.1.0 --hash=sha256:" + someSHA256 + "\ntorch @ ftp://wheels.example/torch-2.5-py3-none-any.whl \\\n    --hash=sha256:" + someSHA256 + "\n"
	p := with(quickPython().(*Python), func(p *Python) {
		p.Packages, p.Requirements = nil, File{Path: "requirements.txt", Content: []byte(requirements)}
	})
	_, err := newTarget("t", trixie(), p).Assemble()
	wantText(t, err, "python: requirements.txt:3: source ftp://wheels.example/torch-2.5-py3-none-any.whl cannot be fetched", "hint: ")
	p.Requirements.Content = []byte(strings.Replace(requirements, "ftp:", "https:", 1))
	if in := stageOf(t, p, trixie()).Inputs; len(in) != 1 || in[0].At.String() != "requirements.txt:3:1" {
		t.Errorf("the wheel is at %v", in)
	}
	_, err = condaLockOf(File{Path: "fsl.tsv", Content: []byte("# packages\n1\t" + someSHA256 + "\tftp://conda.example/linux-64/a-1-0.conda\tMIT\n")})
	wantText(t, err, "fsl.tsv:2: ", "ftp://conda.example/linux-64/a-1-0.conda", "hint: ")
}

func TestTargetRefusesTheBasesFolders(t *testing.T) {
	for prefix, want := range map[string]string{
		"/usr": "the base's own folder", "/etc": "the base's own folder", "/": "the base's own folder",
		"/tmp/x": "lies in /tmp", "/proc": "lies in /proc", "/run/medbuild/x": "lies in /run",
	} {
		m := with(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Prefix = prefix })
		_, err := newTarget("t", focal(), m).Assemble()
		wantText(t, err, "mrtrix3: prefix "+prefix, want, "hint: choose a folder")
	}
	for _, prefix := range []string{"/usr/local/mrtrix3", "/home/jovyan/mrtrix3", "/mrtrix3", "/usr/local"} {
		m := with(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Prefix = prefix })
		if _, err := newTarget("t", focal(), m).Assemble(); err != nil {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}

func TestTargetRefusesANewerCLibrary(t *testing.T) {
	target := newTarget("t", focal(), newMRtrix3("3.0.8"))
	target.Build = func(string) Base { return trixie() }
	_, err := target.Assemble()
	wantText(t, err, "mrtrix3: ", "C library 2.41 is newer than 2.31", "hint: make it on the base with the oldest C library")

	target = newTarget("t", trixie(), newMRtrix3("3.0.8"))
	target.Build = func(string) Base { return focal() }
	if _, err := target.Assemble(); err != nil {
		t.Errorf("an older C library: %v", err)
	}
}

func TestNewer(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"2.41", "2.31", true}, {"2.31", "2.41", false}, {"2.31", "2.31", false}, {"2.9", "2.31", false},
		{"3.0", "2.41", true}, {"", "2.31", false}, {"2.41", "", false}, {"musl", "2.31", false},
	} {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func TestBuildOn(t *testing.T) {
	libc := func(id, version string) Base {
		b := onRelease(id)
		b.Name, b.Libc = id, version
		return b
	}
	focal, jammy := libc("ubuntu-20.04", "2.31"), libc("ubuntu-22.04", "2.35")
	bookworm, noble, trixie := libc("debian-12", "2.36"), libc("ubuntu-24.04", "2.39"), libc("debian-13", "2.41")
	all := []Base{trixie, focal, noble, jammy, bookworm, libc("fedora-40", "2.12"), libc("debian-13", "")}
	mrtrix3 := newMRtrix3("3.0.8")
	for _, tt := range []struct {
		tool Tool
		run  Base
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

func TestUnpinnedSourcesAreAllowedForOneRun(t *testing.T) {
	g := Ground{AllowUnpinned: true}
	for _, s := range []Source{{URL: "https://files.example/a.zip"}, {Git: "https://git.example/a.git"}} {
		in, err := s.Input(g)
		if err != nil || in.Pinned() || in.Address != s.URL+s.Git {
			t.Errorf("%+v: %+v, %v", s, in, err)
		}
		if _, err := s.Input(Ground{}); err == nil || !strings.Contains(err.Error(), "--allow-unpinned") {
			t.Errorf("%+v is taken without the flag, or without a hint at it: %v", s, err)
		}
	}
	_, err := Source{URL: "https://files.example/a.zip", SHA256: "beef"}.Input(g)
	wantText(t, err, "does not pin it")
}

func TestFetchable(t *testing.T) {
	for _, s := range []Source{{URL: "http://a.example/x"}, {URL: "https://a.example/x?y=ftp://z"}, {Git: "git@a.example:x/y.git"},
		{Git: "ssh://git@a.example/x.git"}, {Git: "git://a.example/x"}, {URL: "https://me@a.example/x"}} {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	wantText(t, Source{URL: "ftp://a.example/x"}.Check(), "ftp://a.example/x cannot be fetched", "ftp is none of https, http", "hint:")
	wantText(t, Source{Git: "FTP://a.example/x"}.Check(), "ftp")
	err := Source{URL: "https://me:hunter2@a.example/x"}.Check()
	wantText(t, err, "password in it", "hint: write the login into ~/.netrc")
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error has the password")
	}
}

func TestWarnings(t *testing.T) {
	at := llb.Position{File: "components.toml", Line: 3, Col: 1}
	old := Base{Facts: Facts{Distribution: "ubuntu", Release: "20.04", Libc: "2.31"}}
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
		p := Part{Stage: Stage{Common: Common{Name: "tool"}, Inputs: []llb.Input{tt.input}}}
		got := strings.Join(Image{Base: old, Parts: []Part{p}}.Warnings(), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.input.Address, got, tt.want)
		}
	}
}

func TestMRtrix3ScriptsNeedAnOldPython(t *testing.T) {
	for version, refused := range map[string]bool{"3.0.2": true, "3.0.4": true, "3.0.5": false, "3.0.8": false, "3.1.0": false, "master": false} {
		_, err := withSource(newMRtrix3(version)).Stage(Ground{Build: onRelease("ubuntu-24.04"), Run: onRelease("ubuntu-24.04")})
		if refused {
			wantText(t, err, "scripts of MRtrix3 "+version+" do not run on Python 3.12 of ubuntu-24.04", "imp and distutils", "hint: take MRtrix3 3.0.5 or newer, or a base of one of debian-13")
		}
		if !refused && err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}
