package plan_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/stages"
)

// Every stage can be listed on the assumed base as soon as its settings are
// complete, so a listing needs no engine.
func TestAssumedServesEveryStage(t *testing.T) {
	t.Parallel()
	l := &plan.List{}
	l.Add(mrtrix3(), assemble.Assumed())
	l.Add(ants(), assemble.Assumed())
	l.Add(&stages.Python{Common: stage.Common{Name: "python", Stage: "python", Version: "3.13", Prefix: "/opt/python"},
		Interpreter: "/usr/bin/python3", Requirements: stage.File{Path: "requirements.txt", Content: []byte("nibabel==5.3.2 --hash=sha256:" + strings.Repeat("0", 64) + "\n")}}, assemble.Assumed())
	for _, tool := range slices.Concat(generic(), trees(), locked(t)) {
		l.Add(tool, assemble.Assumed())
	}
	if problems := l.Problems(); len(problems) > 0 {
		t.Fatalf("problems: %q", problems)
	}
	for _, c := range l.Components {
		mirrored := len(c.Packages) > 0 || c.Stage == "sct"
		if c.Licence.SPDX == "" || c.Pinned == mirrored {
			t.Errorf("%s: licence %q, pinned %v", c.Name, c.Licence.SPDX, c.Pinned)
		}
	}
	listed := map[string]bool{}
	for _, c := range l.Components {
		listed[c.Stage] = true
	}
	for _, k := range stages.All() {
		if !listed[k.Name] {
			t.Errorf("stage %s is not tried here: add it", k.Name)
		}
	}
}

// generic is a component of each stage that knows no tool, and of those made
// of an archive alone.
func generic() []stage.Tool {
	common := func(kind string) stage.Common {
		return stage.Common{Name: kind, Stage: kind, Version: "1", Prefix: "/opt/" + kind}
	}
	told := stage.Generic{Licence: "MIT", VersionCommand: "tool --version"}
	source := stage.Source{URL: "https://example.org/tool.tar.gz", SHA256: strings.Repeat("5a", 32)}
	return []stage.Tool{
		&stages.C3D{Common: common("c3d"), Source: source},
		&stages.ART{Common: common("art"), Source: source, Format: "tar.gz"},
		&stages.Archive{Common: common("archive"), Source: source, Generic: told},
		&stages.Apt{Common: stage.Common{Name: "apt", Stage: "apt", Version: "1"}, Packages: stage.Debs{"any": {"bc"}}, Generic: told},
		&stages.Make{Common: common("make"), Source: source, Install: "make install", Generic: told},
		&stages.Files{Common: common("files"), Generic: told, Files: []stages.Entry{{To: "bin/tool", From: stage.File{Path: "tool", Content: []byte("#!/bin/sh\n")}}}},
	}
}

// trees is a component of each stage that takes a tree of files as it is.
func trees() []stage.Tool {
	common := func(kind, version string) stage.Common {
		return stage.Common{Name: kind, Stage: kind, Version: version, Prefix: "/opt/" + kind}
	}
	image := stage.Source{Image: "example.org/freesurfer@sha256:" + strings.Repeat("5a", 32), Path: "/usr/local/freesurfer"}
	archive := stage.Source{URL: "https://example.org/tool.sh", SHA256: strings.Repeat("5a", 32)}
	return []stage.Tool{
		&stages.FreeSurfer{Common: common("freesurfer", "7.4.1"), Source: image, Profile: "full", Licence: "/run/license.txt"},
		&stages.Synb0{Common: common("synb0", strings.Repeat("c0", 20)), Topup: "service"},
		&stages.SCT{Common: common("sct", "7.2"), Miniforge: archive},
	}
}

// locked is a component of each stage that is made from a lock of conda
// packages: the repository's own for FSL.
func locked(t *testing.T) []stage.Tool {
	t.Helper()
	const path = "../../locks/fsl-6.0.7-minimal.conda.tsv"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lock := stage.File{Path: path, Content: content}
	return []stage.Tool{
		&stages.FSL{Common: stage.Common{Name: "fsl", Stage: "fsl", Version: "6.0.7", Prefix: "/opt/fsl"}, Lock: lock, Profile: "minimal", AcceptLicence: true},
		&stages.Conda{Common: stage.Common{Name: "conda", Stage: "conda", Version: "1", Prefix: "/opt/conda"}, Lock: lock,
			Generic: stage.Generic{Licence: "MIT", VersionCommand: "tool --version"}},
	}
}

// The files of a table within a component's are listed too.
func TestFilesInTables(t *testing.T) {
	t.Parallel()
	l := &plan.List{}
	for _, tool := range generic() {
		if tool.Shared().Stage == "files" {
			l.Add(tool, assemble.Assumed())
		}
	}
	if got := l.Components[0].Inputs; len(got) != 1 || got[0].Address != "tool" || !strings.HasPrefix(got[0].Pin, "sha256:") {
		t.Errorf("inputs %+v", got)
	}
}

func TestUnpinned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source stage.Source
		want   string
	}{
		"archive": {stage.Source{URL: "https://example.org/a.tar.gz"}, "https://example.org/a.tar.gz"},
		"git":     {stage.Source{Git: "https://example.org/a.git"}, "https://example.org/a.git"},
		"debian":  {stage.Source{Debian: "pool/a.tar.gz"}, "debian:pool/a.tar.gz"},
		"image":   {stage.Source{Image: "example.org/a:1", Path: "/opt/a"}, "example.org/a:1"},
	} {
		tool := mrtrix3().(*stages.MRtrix3)
		tool.Source = c.source
		l := &plan.List{}
		l.Add(tool, assemble.Assumed())
		got := l.Components[0]
		if got.Pinned || len(got.Inputs) != 1 || got.Inputs[0].Address != c.want || got.Inputs[0].Pin != "" || got.Problem == "" {
			t.Errorf("%s: %+v", name, got)
		}
		var b strings.Builder
		if err := l.Table(&b); err != nil || !strings.Contains(b.String(), "not pinned") {
			t.Errorf("%s: error %v, table\n%s", name, err, b.String())
		}
	}
}

// A use that a licence forbids is said in the table.
func TestNonCommercial(t *testing.T) {
	t.Parallel()
	l := &plan.List{Components: []plan.Listed{{Name: "fsl", Licence: plan.Licence{SPDX: "LicenseRef-FSL", NonCommercial: true}}}}
	var b strings.Builder
	if err := l.Table(&b); err != nil || !strings.Contains(b.String(), "LicenseRef-FSL (non-commercial)") {
		t.Errorf("error %v, table\n%s", err, b.String())
	}
}

// A component that is stated for one release alone is listed with all of it.
func TestFitting(t *testing.T) {
	t.Parallel()
	tool := &stages.Apt{Common: stage.Common{Name: "tiff", Stage: "apt", Version: "1"},
		Packages: stage.Debs{"ubuntu-22.04": {"libtiff5"}}, Generic: stage.Generic{Licence: "libtiff", VersionCommand: "x"}}
	if got := assemble.Fitting(tool).Facts.ID(); got != "ubuntu-22.04" {
		t.Errorf("listed on %s", got)
	}
	tool.Packages = stage.Debs{"plan9-4": {"tiff"}}
	if got := assemble.Fitting(tool).Facts.ID(); got != "debian-13" {
		t.Errorf("listed on %s", got)
	}
}

// TestWhatAMirrorDecidesIsNotPinned: packages of the distribution have the
// version that the mirror has on the day, and so has what an installer fetches.
func TestWhatAMirrorDecidesIsNotPinned(t *testing.T) {
	t.Parallel()
	for _, tool := range []stage.Tool{ants(), &stages.SCT{Common: stage.Common{Name: "sct", Version: "7.2", Prefix: "/opt/sct"},
		Miniforge: stage.Source{URL: "https://example.org/Miniforge3.sh", SHA256: digits}}} {
		l := &plan.List{}
		l.Add(tool, assemble.Assumed())
		if got := l.Components[0]; got.Pinned || got.Problem != "" {
			t.Errorf("%+v", got)
		}
	}
}
