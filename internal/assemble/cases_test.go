package assemble

import (
	"testing"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
)

// targetCases are images of the components above.
func targetCases() map[string]func() Target {
	return map[string]func() Target{
		"production": func() Target {
			return newTarget("production", stagetest.Trixie(), quickMRtrix3(), quickANTs(), quickPython())
		},
		"ants":    func() Target { return newTarget("ants", stagetest.Trixie(), quickANTs()) },
		"jupyter": jupyterTarget,
		"runner":  runnerTarget,
	}
}

// runnerTarget changes its base's users and offers a service.
func runnerTarget() Target {
	t := newTarget("runner", base.Flat(stagetest.Trixie()), quickANTs(), newFiles())
	t.Accounts = stage.Accounts{Remove: []string{"ubuntu"}, Add: []stage.Account{
		{Name: "scu", UID: 8004, Home: "/home/jovyan"}, {Name: "data", UID: 2000, GID: 100, Shell: "/bin/sh"}}}
	t.Config = llb.Config{Ports: []string{"8888/tcp"}, Health: &llb.HealthCheck{Test: []string{"CMD", "true"}, Retries: 3}}
	return t
}

func newTarget(name string, on stage.Base, tools ...stage.Tool) Target {
	return Target{Name: name, Run: on, Members: madeOn(on, tools...),
		Manifest: Manifest{Service: "1.0.0", Base: on.Reference}}
}

func madeOn(base stage.Base, tools ...stage.Tool) []Member {
	var out []Member
	for _, tool := range tools {
		out = append(out, Member{Tool: tool, Build: base})
	}
	return out
}

// jupyterTarget runs on one base what is made on another.
func jupyterTarget() Target {
	m := testkit.With(newMRtrix3("3.0.8"), func(m *stages.MRtrix3) { m.Prefix = "/home/jovyan/mrtrix3" })
	t := newTarget("jupyter", stagetest.Bookworm())
	t.Members = madeOn(stagetest.Focal(), m, zipANTs())
	t.Manifest.Generated = "2024-05-01"
	return t
}

func assembled(t *testing.T, target Target) Image {
	t.Helper()
	img, err := target.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

const someRequirements = `numpy==2.1.0 \
    --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
Connected_Components.3D==3.23.0 --hash=sha256:2222222222222222222222222222222222222222222222222222222222222222
torch[extra]==2.6.0 ; python_version >= "3.9" \
    --hash=sha256:3333333333333333333333333333333333333333333333333333333333333333
    # via -r requirements.in
`

// Tools that the images are put together from.

func newMRtrix3(version string) *stages.MRtrix3 {
	return &stages.MRtrix3{Common: stage.Common{Name: "mrtrix3", Stage: "mrtrix3", Version: version, Prefix: "/opt/mrtrix3"}}
}

func quickMRtrix3() stage.Tool {
	return testkit.With(newMRtrix3("3.0.4"), func(m *stages.MRtrix3) {
		m.Source = stage.Source{Debian: "pool/main/m/mrtrix3/mrtrix3_3.0.4.orig.tar.gz", SHA256: "f1d1aa289cfc3e46e3a8eca93594b23d061c6d50a0cd03727433a7e2cd14f71a"}
		m.Commands = []string{"dwi2mask", "mrinfo"}
	})
}

func newANTs() *stages.ANTs {
	return &stages.ANTs{Common: stage.Common{Name: "ants", Stage: "ants", Version: "2.5.4"}}
}

func quickANTs() stage.Tool {
	return testkit.With(newANTs(), func(a *stages.ANTs) { a.Distribution = true })
}

func zipANTs() *stages.ANTs {
	return testkit.With(newANTs(), func(a *stages.ANTs) {
		a.Prefix = "/opt/ants"
		a.Source = stage.Source{URL: "https://files.example/ants-2.5.4-ubuntu-20.04-X64-gcc.zip", SHA256: testkit.SHA256}
	})
}

// newPython is an environment with the packages, each pinned.
func newPython(packages ...string) *stages.Python {
	return &stages.Python{Common: stage.Common{Name: "python", Stage: "python", Version: "3.13", Prefix: "/opt/python"},
		Interpreter: "/usr/bin/python3", Packages: packages,
		Requirements: stage.File{Path: "requirements.txt", Content: []byte(someRequirements)}}
}

func quickPython() stage.Tool { return newPython("numpy", "connected-components-3d", "torch") }

func newFiles() *stages.Files {
	return &stages.Files{Common: stage.Common{Name: "scripts", Stage: "files", Version: "1.2.3", Prefix: "/opt/scripts"},
		Generic: stage.Generic{Licence: "LicenseRef-Own", Smoke: []string{"{prefix}/bin/hello"}},
		Files: []stages.Entry{
			{From: stage.File{Path: "scripts/hello.sh", Content: []byte("#!/bin/sh\necho hello\n")}, To: "bin/hello", Mode: "0755", Owner: "1000:100"},
			{From: stage.File{Path: "scripts/notes.txt", Content: []byte("notes\n")}, To: "share/"},
		}}
}

func newFreeSurfer(profile string) *stages.FreeSurfer {
	return &stages.FreeSurfer{Common: stage.Common{Name: "freesurfer", Stage: "freesurfer", Version: "6.0.0", Prefix: "/opt/freesurfer"},
		Profile: profile, Licence: "/run/freesurfer/license.txt",
		Source: stage.Source{URL: "https://files.example/freesurfer-6.0.0.tar.gz", SHA256: testkit.SHA256}}
}
