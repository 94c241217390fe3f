package stages

import (
	"slices"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

// TestGenericErrors: what the settings say when a user has left something out,
// or written it where it cannot be.
func TestGenericErrors(t *testing.T) {
	t.Parallel()
	archive := func(change func(*Archive)) error { return testkit.With(newArchive(), change).Check() }
	python := func(change func(*Python)) error { return testkit.With(newPython(), change).Check() }
	files := func(change func(*Files)) error { return testkit.With(newFiles(), change).Check() }
	for want, err := range map[string]error{
		"states no licence":                                 archive(func(a *Archive) { a.Licence = "" }),
		"PATH cannot be replaced":                           archive(func(a *Archive) { a.Env = map[string]string{"PATH": "/x"} }),
		"has no group":                                      archive(func(a *Archive) { a.VersionPattern = "[0-9.]+" }),
		"nothing tests the component":                       archive(func(a *Archive) { a.VersionCommand, a.Smoke = "", nil }),
		"the component has no source":                       archive(func(a *Archive) { a.Source = stage.Source{} }),
		"strip must be 0 or more, not -1":                   archive(func(a *Archive) { a.Strip = -1 }),
		"hint: add format":                                  archive(func(a *Archive) { a.Source.URL = "https://files.example/download" }),
		"no install command":                                testkit.With(newMake(), func(m *Make) { m.Install = "" }).Check(),
		"lists no packages":                                 (&Apt{}).Check(),
		"take no prefix":                                    (&Apt{Common: stage.Common{Prefix: "/opt/x"}, Packages: stage.Debs{"any": {"x"}}}).Check(),
		"has no files":                                      files(func(f *Files) { f.Files = nil }),
		`path "fsl" is relative`:                            files(func(f *Files) { f.Prefix, f.Files, f.Links = "", nil, map[string]string{"fsl": "/opt/fsl"} }),
		"relative, but the component has":                   files(func(f *Files) { f.Prefix = "" }),
		"more than the limit of 4194304":                    files(func(f *Files) { f.Files[0].From.Content = make([]byte, maxFiles) }),
		"looks like a FreeSurfer licence":                   (&Entry{To: "/opt/freesurfer/.x", From: stage.File{Path: "x", Content: []byte("nobody@example.org\n10203\n *Cexample\n FSexample\n")}}).Check(),
		"no destination":                                    (&Entry{From: stage.File{Path: "x"}}).Check(),
		"append adds a file, and the entry":                 (&Entry{Add: true, To: "/etc/profile"}).Check(),
		`"bashrc" is not the absolute path`:                 (&Entry{Add: true, To: "bashrc", From: stage.File{Path: "x"}}).Check(),
		"keeps its owner and permissions":                   (&Entry{Add: true, To: "/etc/profile", Mode: "0644", From: stage.File{Path: "x"}}).Check(),
		"c3d cannot be built from a git":                    testkit.With(newC3D(), func(c *C3D) { c.Source = stage.Source{Git: "x"} }).Check(),
		"art cannot be built from a git":                    testkit.With(newART(), func(a *ART) { a.Source = stage.Source{Git: "x"} }).Check(),
		"strip must be 0 or more":                           testkit.With(newART(), func(a *ART) { a.Strip = -1 }).Check(),
		"build dependencies of the packages are not pinned": python(func(p *Python) { p.Build = true }),
		"hint: add build = true":                            python(func(p *Python) { p.BuildPackages = stage.Debs{"any": {"x"}} }),
		"hint: add requirements = ":                         python(func(p *Python) { p.Requirements = stage.File{} }),
		"hint: pack large files into an a":                  files(func(f *Files) { f.Files[0].From.Content = make([]byte, maxFiles) }),
	} {
		testkit.WantText(t, err, want, "")
	}
	for _, c := range []stage.Checker{newArchive(), newMake(), newFiles(), newC3D(), newART(), newPython(), builtPython()} {
		if err := c.Check(); err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
}

func TestGenericStageErrors(t *testing.T) {
	t.Parallel()
	on := stage.Ground{Build: stagetest.Trixie(), Run: stagetest.Trixie()}
	fails := func(tool stage.Tool, want ...string) {
		t.Helper()
		_, err := tool.Stage(on)
		testkit.WantText(t, err, want...)
	}
	old := stage.Debs{"ubuntu-20.04": {"x"}}
	fails(testkit.With(newArchive(), func(a *Archive) { a.Runtime = old }), "the packages that tool needs at run time are listed for ubuntu-20.04, not for debian-13")
	fails(testkit.With(newMake(), func(m *Make) { m.BuildPackages = old }), "the packages that compile tool")
	fails(&Apt{Common: stage.Common{Name: "x"}, Packages: old}, "the packages of x")
	fails(testkit.With(newFiles(), func(f *Files) { f.Files[0].Mode = "8" }), "mode \"8\"")
	fails(testkit.With(newFiles(), func(f *Files) { f.Files[0].Mode = "4755" }), "mode \"4755\"")
	fails(testkit.With(newFiles(), func(f *Files) { f.Files[0].Owner = "jovyan" }), "owner \"jovyan\" is not a numeric user and group", "hint: ")
	fails(&Apt{Common: stage.Common{Name: "x"}, Packages: stage.Debs{"any": {"x"}}, Generic: stage.Generic{Path: []string{"bin"}}}, `path "bin" is relative, but the component has no prefix`)
	fails(testkit.With(newArchive(), func(a *Archive) { a.Source.SHA256 = "" }), "is not pinned")
}

// TestGenericQuestions: the version is the first that the pattern matches,
// whatever stands beside it.
func TestGenericQuestions(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pattern, says, want, version string }{
		{"first number with dots", "", "The tool 2 (x86-64) version v1.0.2026 of GCC10.2.1\n", "1.0", "1.0.2026"},
		{"first line that has one", "", "warning\ntool 1.2.3\n9.9.9\n", "1.2.3", "1.2.3"},
		{"a group alone", `([0-9]+)`, "tool 12 of 99\n", "12", "12"},
		{"in the middle", `version=([^ ]+)`, "name=a version=3.4 os=b\n", "3.4", "3.4"},
		{"from the start", `^v([0-9.]+)`, "dcm2niiX version v2\nv1.0.20260724\n", "1.0.20260724", "1.0.20260724"},
		{"with a slash", `tool/([0-9.]+)`, "agent tool/1.5 x\n", "1.5", "1.5"},
		{"with an escaped slash", `tool\/([0-9.]+)`, "agent tool/1.5 x\n", "1.5", "1.5"},
		{"another", "", "tool 1.2.4\n", "1.2.3", ""},
		{"none", `version ([0-9.]+)`, "1.2.3\n", "1.2.3", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := testkit.With(newArchive(), func(a *Archive) { a.VersionPattern = tt.pattern })
			got, stderr, err := stagetest.Answer(t, stagetest.Question(t, a, tt.want), tt.says)
			if got != tt.version || (err != nil) != (tt.version == "") {
				t.Errorf("version is %q, want %q (%v)\n%s", got, tt.version, err, stderr)
			}
		})
	}
}

// TestToolQuestions has what the tools' own sources print.
func TestToolQuestions(t *testing.T) {
	t.Parallel()
	apt := &Apt{Common: stage.Common{Name: "ants", Version: "2.5"}, Packages: stage.Debs{"any": {"ants"}}}
	for _, tt := range []struct {
		tool                stage.Tool
		says, want, version string
	}{
		{newC3D(), "Version 1.0.0\n", "1.0.0", "1.0.0"},
		{newC3D(), "Version 1.4.2\n", "1.0.0", ""},
		{newART(), "acpcdetect v2.0, April 19, 2018 release\n", "2.0", "2.0"},
		{newART(), "acpcdetect V2.1 release\n", "2.0", ""},
		{apt, "2.5.4+dfsg\n", "2.5", "2.5.4"},
		{apt, "1.7~rc1\n", "1.7", "1.7"},
	} {
		got, stderr, err := stagetest.Answer(t, stagetest.Question(t, tt.tool, tt.want), tt.says)
		if got != tt.version || (err != nil) != (tt.version == "") {
			t.Errorf("%T: version is %q, want %q (%v)\n%s", tt.tool, got, tt.version, err, stderr)
		}
	}
}

// TestFilesAreTheSameOnEveryBase: what is copied is made on none.
func TestFilesAreTheSameOnEveryBase(t *testing.T) {
	t.Parallel()
	a := llbtest.Bytes(t, llbtest.Marshal(t, *stagetest.Stage(t, newFiles(), stagetest.Trixie()).Layer))
	b := llbtest.Bytes(t, llbtest.Marshal(t, *stagetest.Stage(t, newFiles(), stagetest.Focal()).Layer))
	if string(a) != string(b) {
		t.Error("the layer differs with the base")
	}
}

func TestArchiveHasNothingToInstallForGzip(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{State: *stagetest.Stage(t, newArchive(), stagetest.Trixie()).Layer})
	for _, s := range g.Steps() {
		if s.Name != "[tool] unpack" {
			t.Errorf("step %s", s.Name)
		}
	}
}

func TestStatedFiles(t *testing.T) {
	t.Parallel()
	got, err := newFiles().entries()
	want := []llb.Entry{
		{Path: "/opt/scripts/bin/hello", Mode: 0o755, UID: 1000, GID: 100},
		{Path: "/opt/scripts/share/notes.txt", Mode: 0o644},
	}
	if err != nil || len(got) != len(want) {
		t.Fatal(got, err)
	}
	for i, e := range got {
		if e.Content = nil; e.Path != want[i].Path || e.Mode != want[i].Mode || e.UID != want[i].UID || e.GID != want[i].GID {
			t.Errorf("%+v, want %+v", e, want[i])
		}
	}
}

// TestCommandsOfMake: each is told at its key, in the order in which they run.
func TestCommandsOfMake(t *testing.T) {
	t.Parallel()
	at := func(line int) problem.Position { return problem.Position{File: "components.toml", Line: line, Col: 1} }
	m := testkit.With(newMake(), func(m *Make) {
		m.Build, m.Keys = "", map[string]problem.Position{"configure": at(3), "build": at(5), "install": at(4)}
	})
	s, err := m.Stage(stage.Ground{Build: stagetest.Trixie(), Run: stagetest.Trixie()})
	want := []stage.Command{{Key: "configure", Text: m.Configure, At: at(3)}, {Key: "install", Text: m.Install, At: at(4)}}
	if err != nil || !slices.Equal(s.Commands, want) {
		t.Errorf("%v: %+v, want %+v", err, s.Commands, want)
	}
}
