package stage

import (
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

func TestFactsOn(t *testing.T) {
	t.Parallel()
	f := Facts{Links: map[string]string{"/bin": "usr/bin", "/opt/site": "/srv/site"}}
	for prefix, refused := range map[string]bool{
		"/opt/fsl": false, "/binary/fsl": false, "/usr/bin/fsl": false, "/fsl": false, "": false,
		"/bin/fsl": true, "/bin": true, "/bin/deep/fsl": true, "/opt/site/fsl": true, "/opt/../bin/fsl": true,
	} {
		err := f.On(prefix)
		if refused {
			testkit.WantText(t, err, "prefix "+prefix, "which is a symbolic link to", "hint: choose a prefix without a link")
		}
		if !refused && err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

func TestPythonVersion(t *testing.T) {
	t.Parallel()
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

func TestBaseSettings(t *testing.T) {
	t.Parallel()
	pinned := "name@sha256:" + testkit.SHA256
	for _, b := range []BaseSettings{{Image: pinned}, {OCI: "layout"}, {Tar: "base.tar"}} {
		if err := b.Check(); err != nil {
			t.Errorf("%+v: %v", b, err)
		}
	}
	testkit.WantText(t, BaseSettings{}.Check(), "one of image, oci and tar")
	testkit.WantText(t, BaseSettings{Image: pinned, Tar: "base.tar"}.Check(), "one of image, oci and tar")
	testkit.WantText(t, BaseSettings{Image: "name:tag"}.Usable(false), "name:tag is not pinned", "hint: write name:tag@sha256:<digest>", "--allow-unpinned")
	testkit.WantText(t, BaseSettings{Image: "name:tag", OCI: "layout"}.Usable(true), "one of image, oci and tar")
	if err := (BaseSettings{Image: "name:tag"}).Usable(true); err != nil {
		t.Error(err)
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	for want, b := range map[string]BaseSettings{"name:tag": {Image: "name:tag"}, "layout": {OCI: "bases/layout"}, "base.tar": {Tar: "/srv/base.tar"}} {
		if got := b.Reference(); got != want {
			t.Errorf("%+v is named %s, want %s", b, got, want)
		}
	}
}
