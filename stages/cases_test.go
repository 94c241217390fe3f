package stages

import (
	"testing"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"

	"github.com/medbuild/medbuild/internal/testkit"
)

const someRequirements = `numpy==2.1.0 \
    --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
Connected_Components.3D==3.23.0 --hash=sha256:2222222222222222222222222222222222222222222222222222222222222222
torch[extra]==2.6.0 ; python_version >= "3.9" \
    --hash=sha256:3333333333333333333333333333333333333333333333333333333333333333
    # via -r requirements.in
`

func newMRtrix3(version string) *MRtrix3 {
	return &MRtrix3{Common: stage.Common{Name: "mrtrix3", Stage: "mrtrix3", Version: version, Prefix: "/opt/mrtrix3"}}
}

func newANTs() *ANTs {
	return &ANTs{Common: stage.Common{Name: "ants", Stage: "ants", Version: "2.5.4"}}
}

func newPython(packages ...string) *Python {
	return &Python{Common: stage.Common{Name: "python", Stage: "python", Version: "3.13", Prefix: "/opt/python"},
		Interpreter: systemPython, Packages: packages,
		Requirements: stage.File{Path: "requirements.txt", Content: []byte(someRequirements)}}
}

// stageCase is one component on one base.
type stageCase struct {
	name string // of its golden file
	base func() stage.Base
	tool func() stage.Tool
}

// stageCases are settings of every stage, by the name of the stage.
func stageCases() map[string][]stageCase {
	return map[string][]stageCase{
		"mrtrix3": {
			{"quickstart", stagetest.Trixie, quickMRtrix3},
			{"release", stagetest.Bookworm, func() stage.Tool { return newMRtrix3("3.0.8") }},
			{"git-gui", stagetest.Focal, func() stage.Tool {
				return testkit.With(newMRtrix3("3.0.4"), func(m *MRtrix3) {
					m.Source = stage.Source{Git: "https://git.example/mrtrix3.git", Commit: testkit.Commit}
					m.GUI, m.Secrets, m.Prefix = true, []string{"token"}, "/home/jovyan/mrtrix3"
				})
			}},
		},
		"ants": {
			{"distribution", stagetest.Trixie, quickANTs},
			{"zip", stagetest.Focal, func() stage.Tool { return zipANTs() }},
			{"conda", stagetest.Focal, func() stage.Tool { return condaANTs() }},
			{"commands", stagetest.Bookworm, func() stage.Tool {
				return testkit.With(zipANTs(), func(a *ANTs) { a.Commands = []string{"antsBrainExtraction.sh", "N4BiasFieldCorrection"} })
			}},
		},
		"conda":      condaCases(),
		"fsl":        fslCases(),
		"c3d":        c3dCases(),
		"art":        artCases(),
		"archive":    archiveCases(),
		"apt":        aptCases(),
		"make":       makeCases(),
		"files":      filesCases(),
		"freesurfer": freesurferCases(),
		"synb0":      synb0Cases(),
		"sct":        sctCases(),
		"python": {
			{"quickstart", stagetest.Trixie, quickPython},
			{"system", stagetest.Trixie, systemTorch},
			{"wheel", stagetest.Bookworm, func() stage.Tool { return wheelTorch() }},
			{"build", stagetest.Trixie, func() stage.Tool { return builtPython() }},
			{"tool", stagetest.Trixie, func() stage.Tool { return toolPython() }},
			{"interpreter", stagetest.Bookworm, func() stage.Tool {
				return testkit.With(newPython("torch"), func(p *Python) { p.Interpreter = "/usr/local/bin/python3.12"; p.Secrets = []string{"index"} })
			}},
		},
	}
}

func quickMRtrix3() stage.Tool {
	return testkit.With(newMRtrix3("3.0.4"), func(m *MRtrix3) {
		m.Source = stage.Source{Debian: "pool/main/m/mrtrix3/mrtrix3_3.0.4.orig.tar.gz", SHA256: mrtrix3Releases["3.0.4"]}
		m.Commands = []string{"dwi2mask", "mrinfo"}
	})
}

func quickANTs() stage.Tool { return testkit.With(newANTs(), func(a *ANTs) { a.Distribution = true }) }

func quickPython() stage.Tool { return newPython("numpy", "connected-components-3d", "torch") }

func zipANTs() *ANTs {
	return testkit.With(newANTs(), func(a *ANTs) {
		a.Prefix = "/opt/ants"
		a.Source = stage.Source{URL: "https://files.example/ants-2.5.4-ubuntu-20.04-X64-gcc.zip", SHA256: testkit.SHA256}
	})
}

func newTarget(name string, on stage.Base, tools ...stage.Tool) assemble.Target {
	return assemble.Target{Name: name, Run: on, Members: madeOn(on, tools...),
		Manifest: assemble.Manifest{Service: "1.0.0", Base: on.Reference}}
}

func madeOn(base stage.Base, tools ...stage.Tool) []assemble.Member {
	var out []assemble.Member
	for _, tool := range tools {
		out = append(out, assemble.Member{Tool: tool, Build: base})
	}
	return out
}

func assembled(t *testing.T, target assemble.Target) assemble.Image {
	t.Helper()
	img, err := target.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// targetCases are images of the components above.
func targetCases() map[string]func() assemble.Target {
	return map[string]func() assemble.Target{
		"production": func() assemble.Target {
			return newTarget("production", stagetest.Trixie(), quickMRtrix3(), quickANTs(), quickPython())
		},
		"jupyter": jupyterTarget,
	}
}

// jupyterTarget runs on one base what is made on another.
func jupyterTarget() assemble.Target {
	m := testkit.With(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Prefix = "/home/jovyan/mrtrix3" })
	t := newTarget("jupyter", stagetest.Bookworm())
	t.Members = madeOn(stagetest.Focal(), m, zipANTs())
	return t
}
