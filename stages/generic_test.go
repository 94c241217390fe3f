package stages

import (
	"slices"
	"testing"

	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func TestDebs(t *testing.T) {
	tests := []struct {
		debs Debs
		want []string
	}{
		{nil, nil},
		{Debs{"any": {"bc"}}, []string{"bc"}},
		{Debs{"debian-13": {"libtiff6"}}, []string{"libtiff6"}},
		{Debs{"any": {"bc"}, "debian-13": {"libtiff6"}, "ubuntu-20.04": {"libtiff5"}}, []string{"bc", "libtiff6"}},
	}
	for _, tt := range tests {
		if got, err := tt.debs.on(release("debian-13"), "the packages"); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%v gives %q, want %q (%v)", tt.debs, got, tt.want, err)
		}
	}
	_, err := Debs{"any": {"bc"}, "debian-12": {"a"}, "ubuntu-20.04": {"b"}}.on(release("debian-13"), "the packages of tool")
	wantText(t, err, "the packages of tool are stated for debian-12, ubuntu-20.04, not for debian-13", `hint: add "debian-13" = [`)
}

// TestGenericErrors: what the settings say when a user has left something out,
// or written it where it cannot be.
func TestGenericErrors(t *testing.T) {
	archive := func(change func(*Archive)) error { return with(newArchive(), change).Check() }
	python := func(change func(*Python)) error { return with(newPython(), change).Check() }
	files := func(change func(*Files)) error { return with(newFiles(), change).Check() }
	for want, err := range map[string]error{
		"states no licence":               archive(func(a *Archive) { a.Licence = "" }),
		"PATH is extended":                archive(func(a *Archive) { a.Env = map[string]string{"PATH": "/x"} }),
		"has no group":                    archive(func(a *Archive) { a.VersionPattern = "[0-9.]+" }),
		"whether the component works":     archive(func(a *Archive) { a.VersionCommand, a.Smoke = "", nil }),
		"there is no source":              archive(func(a *Archive) { a.Source = Source{} }),
		"strip is -1":                     archive(func(a *Archive) { a.Strip = -1 }),
		"hint: add format":                archive(func(a *Archive) { a.Source.URL = "https://files.example/download" }),
		"nothing installs":                with(newMake(), func(m *Make) { m.Install = "" }).Check(),
		"names no packages":               (&Apt{}).Check(),
		"take no prefix":                  (&Apt{Common: Common{Prefix: "/opt/x"}, Packages: Debs{"any": {"x"}}}).Check(),
		"has no files":                    files(func(f *Files) { f.Files = nil }),
		`"fsl" is below the prefix`:       files(func(f *Files) { f.Prefix, f.Files, f.Links = "", nil, map[string]string{"fsl": "/opt/fsl"} }),
		"below the prefix":                files(func(f *Files) { f.Prefix = "" }),
		"more than 4194304":               files(func(f *Files) { f.Files[0].From.Content = make([]byte, maxFiles) }),
		"looks like a FreeSurfer licence": (&Entry{To: "/opt/freesurfer/.x", From: File{Path: "x", Content: []byte("nobody@example.org\n10203\n *Cexample\n FSexample\n")}}).Check(),
		"does not say where":              (&Entry{From: File{Path: "x"}}).Check(),
		"c3d is not compiled here":        with(newC3D(), func(c *C3D) { c.Source = Source{Git: "x"} }).Check(),
		"art has no repository":           with(newART(), func(a *ART) { a.Source = Source{Git: "x"} }).Check(),
		"strip is less than none":         with(newART(), func(a *ART) { a.Strip = -1 }).Check(),
		"nothing pins what builds":        python(func(p *Python) { p.Build = true }),
		"hint: add build = true":          python(func(p *Python) { p.BuildPackages = Debs{"any": {"x"}} }),
		"hint: name a file that uv":       python(func(p *Python) { p.Requirements = File{} }),
		"hint: put large ones into an a":  files(func(f *Files) { f.Files[0].From.Content = make([]byte, maxFiles) }),
	} {
		wantText(t, err, want, "")
	}
	for _, c := range []interface{ Check() error }{newArchive(), newMake(), newFiles(), newC3D(), newART(), newPython(), builtPython()} {
		if err := c.Check(); err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
}

func TestGenericStageErrors(t *testing.T) {
	on := Ground{Build: trixie(), Run: trixie()}
	fails := func(tool Tool, want ...string) {
		t.Helper()
		_, err := tool.Stage(on)
		wantText(t, err, want...)
	}
	old := Debs{"ubuntu-20.04": {"x"}}
	fails(with(newArchive(), func(a *Archive) { a.Runtime = old }), "the packages that tool needs at run time are stated for ubuntu-20.04, not for debian-13")
	fails(with(newMake(), func(m *Make) { m.BuildPackages = old }), "the packages that compile tool")
	fails(&Apt{Common: Common{Name: "x"}, Packages: old}, "the packages of x")
	fails(with(newFiles(), func(f *Files) { f.Files[0].Mode = "8" }), "mode \"8\"")
	fails(with(newFiles(), func(f *Files) { f.Files[0].Mode = "4755" }), "mode \"4755\"")
	fails(with(newFiles(), func(f *Files) { f.Files[0].Owner = "jovyan" }), "owner \"jovyan\" is not two numbers", "hint: ")
	fails(&Apt{Common: Common{Name: "x"}, Packages: Debs{"any": {"x"}}, Generic: Generic{Path: []string{"bin"}}}, "path \"bin\" is below the prefix, which there is none of")
	fails(with(newArchive(), func(a *Archive) { a.Source.SHA256 = "" }), "is not pinned")
}

// TestGenericQuestions: the version is the first that the pattern matches,
// whatever stands beside it.
func TestGenericQuestions(t *testing.T) {
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
			a := with(newArchive(), func(a *Archive) { a.VersionPattern = tt.pattern })
			got, stderr, err := answer(t, question(t, a, tt.want), tt.says)
			if got != tt.version || (err != nil) != (tt.version == "") {
				t.Errorf("version is %q, want %q (%v)\n%s", got, tt.version, err, stderr)
			}
		})
	}
}

// TestToolQuestions has what the tools' own sources print.
func TestToolQuestions(t *testing.T) {
	apt := &Apt{Common: Common{Name: "ants", Version: "2.5"}, Packages: Debs{"any": {"ants"}}}
	for _, tt := range []struct {
		tool                Tool
		says, want, version string
	}{
		{newC3D(), "Version 1.0.0\n", "1.0.0", "1.0.0"},
		{newC3D(), "Version 1.4.2\n", "1.0.0", ""},
		{newART(), "acpcdetect v2.0, April 19, 2018 release\n", "2.0", "2.0"},
		{newART(), "acpcdetect V2.1 release\n", "2.0", ""},
		{apt, "2.5.4+dfsg\n", "2.5", "2.5.4"},
		{apt, "1.7~rc1\n", "1.7", "1.7"},
	} {
		got, stderr, err := answer(t, question(t, tt.tool, tt.want), tt.says)
		if got != tt.version || (err != nil) != (tt.version == "") {
			t.Errorf("%T: version is %q, want %q (%v)\n%s", tt.tool, got, tt.version, err, stderr)
		}
	}
}

// TestFilesAreTheSameOnEveryBase: what is copied is made on none.
func TestFilesAreTheSameOnEveryBase(t *testing.T) {
	a := llbtest.Bytes(t, llbtest.Marshal(t, *stageOf(t, newFiles(), trixie()).Layer))
	b := llbtest.Bytes(t, llbtest.Marshal(t, *stageOf(t, newFiles(), focal()).Layer))
	if string(a) != string(b) {
		t.Error("the layer differs with the base")
	}
}

// TestFilesAnywhere: the folders above each file are given back as the base has
// them, and no file may replace a link.
func TestFilesAnywhere(t *testing.T) {
	f := with(newFiles(), func(f *Files) { f.Files[1].To = "/etc/tool/notes" })
	s := stageOf(t, f, trixie())
	if want := []string{"/opt/scripts", "/etc/tool/notes"}; !slices.Equal(s.places(), want) {
		t.Errorf("places %q, want %q", s.places(), want)
	}
	img := assemble(t, newTarget("x", trixie(), f))
	g := llbtest.Read(t, llbtest.End{State: img.State})
	got := g.Find("[base] folders above the components").GetFile().Actions[0].GetCopy().IncludePatterns
	if want := []string{"opt", "etc", "etc/tool"}; !slices.Equal(got, want) {
		t.Errorf("folders %q, want %q", got, want)
	}
	f.Files[1].To = "/bin/tool"
	_, err := newTarget("x", trixie(), f).Assemble()
	wantText(t, err, "/bin/tool lies below /bin, which is a link to usr/bin")
}

// TestFilesInTheWay: a file that lies in another component's prefix, or where
// another file does, would be in one image's two layers.
func TestFilesInTheWay(t *testing.T) {
	alone := func(name, to string) *Files {
		return with(newFiles(), func(f *Files) { f.Name, f.Prefix, f.Smoke, f.Files = name, "", nil, f.Files[:1]; f.Files[0].To = to })
	}
	assemble(t, newTarget("x", trixie(), zipANTs(), alone("one", "/etc/a"), alone("two", "/etc/b")))
	_, err := newTarget("x", trixie(), zipANTs(), alone("one", "/opt/ants/bin/x")).Assemble()
	wantText(t, err, "ants and one both write /opt/ants/bin/x")
	_, err = newTarget("x", trixie(), alone("one", "/etc/a"), alone("two", "/etc/a")).Assemble()
	wantText(t, err, "one and two both write /etc/a")
}

func TestArchiveHasNothingToInstallForGzip(t *testing.T) {
	g := llbtest.Read(t, llbtest.End{State: *stageOf(t, newArchive(), trixie()).Layer})
	for _, s := range g.Steps() {
		if s.Name != "[tool] unpack" {
			t.Errorf("step %s", s.Name)
		}
	}
}

func TestStatedFiles(t *testing.T) {
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
