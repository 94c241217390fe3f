package stages

import (
	"maps"
	"strings"
	"testing"
)

func TestFactsOn(t *testing.T) {
	f := Facts{Links: map[string]string{"/bin": "usr/bin", "/opt/site": "/srv/site"}}
	for prefix, refused := range map[string]bool{
		"/opt/fsl": false, "/binary/fsl": false, "/usr/bin/fsl": false, "/fsl": false, "": false,
		"/bin/fsl": true, "/bin": true, "/bin/deep/fsl": true, "/opt/site/fsl": true, "/opt/../bin/fsl": true,
	} {
		err := f.On(prefix)
		if refused {
			wantText(t, err, "prefix "+prefix, "which is a link to", "hint: choose a prefix below a real folder")
		}
		if !refused && err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

func TestTargetRefusesPrefixBelowALink(t *testing.T) {
	m := with(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Prefix = "/bin/mrtrix3" })
	_, err := newTarget("t", trixie(), m).Assemble()
	wantText(t, err, "mrtrix3", "/bin/mrtrix3 lies below /bin", "usr/bin")
}

func TestPythonVersion(t *testing.T) {
	tests := []struct {
		facts   Facts
		version string
		isNew   bool
	}{
		{Facts{Distribution: "debian", Release: "13"}, "3.13", true},
		{Facts{Distribution: "debian", Release: "12"}, "3.11", false},
		{Facts{Distribution: "ubuntu", Release: "24.04"}, "3.12", true},
		{Facts{Distribution: "debian", Release: "13", Python: "3.9.2"}, "3.9.2", false},
		{Facts{Distribution: "ubuntu", Release: "20.04", Python: "3.14.0rc1"}, "3.14.0rc1", true},
		{Facts{Distribution: "arch"}, "", false},
		{Facts{Python: "4.0"}, "4.0", true},
	}
	for _, tt := range tests {
		if tt.facts.PythonVersion() != tt.version || tt.facts.NewPython() != tt.isNew {
			t.Errorf("%s with %q: %q, new %v", tt.facts.ID(), tt.facts.Python, tt.facts.PythonVersion(), tt.facts.NewPython())
		}
	}
}

func TestParseFacts(t *testing.T) {
	f := ParseFacts([]byte("distribution=debian\nrelease=13\nlibc=2.41\npython=\nmirror=http://mirror.example/debian\n" +
		"link=/bin usr/bin\nlink=/lib usr/lib\n"))
	want := Facts{Distribution: "debian", Release: "13", Libc: "2.41", Mirror: "http://mirror.example/debian/"}
	if f.ID() != "debian-13" || f.Libc != want.Libc || f.Python != "" || f.Mirror != want.Mirror {
		t.Errorf("%+v, want %+v", f, want)
	}
	if !maps.Equal(f.Links, map[string]string{"/bin": "usr/bin", "/lib": "usr/lib"}) {
		t.Errorf("links are %v", f.Links)
	}
}

func TestParseFactsOfOddAnswers(t *testing.T) {
	f := ParseFacts([]byte("\r\nnonsense\nrelease\n=x\nmirror=http://mirror.example/a/?x=y=z\ndistribution=debian\r\nunknown=1\nlink=/a"))
	if f.Distribution != "debian" || f.Release != "" || f.Mirror != "http://mirror.example/a/?x=y=z/" {
		t.Errorf("%+v", f)
	}
	if ParseFacts(nil).Mirror != "" {
		t.Error("a mirror of nothing")
	}
}

func FuzzParseFacts(f *testing.F) {
	f.Add("distribution=debian\nrelease=13\nlink=/bin usr/bin\nmirror=http://x/")
	f.Add("link=\nmirror=\n=\n\x00")
	f.Fuzz(func(t *testing.T, answers string) {
		facts := ParseFacts([]byte(answers))
		if strings.ContainsAny(facts.Distribution+facts.Release+facts.Mirror, "\n") {
			t.Errorf("a fact of two lines in %+v", facts)
		}
		if facts.Mirror != "" && !strings.HasSuffix(facts.Mirror, "/") {
			t.Errorf("mirror %q has no slash at its end", facts.Mirror)
		}
		_ = facts.On("/opt/tool/deep")
		for from := range facts.Links {
			if strings.HasPrefix(from, "/") && from != "/" && from == cleaned(from) && facts.On(from+"/tool") == nil {
				t.Errorf("prefix below link %q is taken", from)
			}
		}
	})
}

func cleaned(p string) string { return parent(p + "/x") }

func TestBaseSettings(t *testing.T) {
	pinned := "name@sha256:" + someSHA256
	for _, b := range []BaseSettings{{Image: pinned}, {OCI: "layout"}, {Tar: "base.tar"}} {
		if err := b.Check(); err != nil {
			t.Errorf("%+v: %v", b, err)
		}
	}
	wantText(t, BaseSettings{}.Check(), "one of image, oci and tar")
	wantText(t, BaseSettings{Image: pinned, Tar: "base.tar"}.Check(), "one of image, oci and tar")
	wantText(t, BaseSettings{Image: "name:tag"}.Usable(false), "name:tag is not pinned", "hint: write name:tag@sha256:<digest>", "--allow-unpinned")
	wantText(t, BaseSettings{Image: "name:tag", OCI: "layout"}.Usable(true), "one of image, oci and tar")
	if err := (BaseSettings{Image: "name:tag"}).Usable(true); err != nil {
		t.Error(err)
	}
}
