package stages

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/llb"
	digest "github.com/opencontainers/go-digest"
)

// Pins of things that no test fetches.
var (
	someSHA256 = strings.Repeat("5a", 32)
	someCommit = strings.Repeat("c0", 20)
)

// trixie is a minimal Debian 13 as mmdebstrap makes it: no Python, no image
// configuration, folders of the root merged into /usr.
func trixie() Base {
	return Base{Name: "trixie", Reference: "trixie.tar",
		Root: llb.Tar("base-trixie", "trixie.tar", digest.Digest("sha256:"+someSHA256)),
		Facts: Facts{Digest: "sha256:" + someSHA256, Distribution: "debian", Release: "13", Libc: "2.41", Layers: 1,
			Mirror: "http://mirror.example/debian/",
			Links:  map[string]string{"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64", "/sbin": "usr/sbin"}}}
}

// focal is a Jupyter base on Ubuntu 20.04 with a Python and an image
// configuration of its own.
func focal() Base {
	const name = "registry.example/jupyter:1@sha256:"
	return Base{Name: "focal", Reference: name + someSHA256, Root: llb.Image(name + someSHA256),
		Facts: Facts{Digest: "sha256:" + someSHA256, Distribution: "ubuntu", Release: "20.04", Libc: "2.31",
			Python: "3.8.10", Layers: 32, Env: []string{"PATH=/opt/conda/bin:/usr/bin:/bin", "NB_USER=jovyan"},
			Links: map[string]string{"/bin": "usr/bin"}}}
}

// bookworm is a Debian 12 in an OCI layout.
func bookworm() Base {
	return Base{Name: "bookworm", Reference: "bookworm", Root: llb.OCILayout("base-bookworm", digest.Digest("sha256:"+someSHA256)),
		Facts: Facts{Digest: "sha256:" + someSHA256, Distribution: "debian", Release: "12", Libc: "2.36", Python: "3.11.2", Layers: 1}}
}

const someRequirements = `numpy==2.1.0 \
    --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
Connected_Components.3D==3.23.0 --hash=sha256:2222222222222222222222222222222222222222222222222222222222222222
torch[extra]==2.6.0 ; python_version >= "3.9" \
    --hash=sha256:3333333333333333333333333333333333333333333333333333333333333333
    # via -r requirements.in
`

func newMRtrix3(version string) *MRtrix3 {
	return &MRtrix3{Common: Common{Name: "mrtrix3", Stage: "mrtrix3", Version: version, Prefix: "/opt/mrtrix3"}}
}

func newANTs() *ANTs {
	return &ANTs{Common: Common{Name: "ants", Stage: "ants", Version: "2.5.4"}}
}

func newPython(packages ...string) *Python {
	return &Python{Common: Common{Name: "python", Stage: "python", Version: "3.13", Prefix: "/opt/python"},
		Interpreter: systemPython, Packages: packages,
		Requirements: File{Path: "requirements.txt", Content: []byte(someRequirements)}}
}

func with[T any](v T, change func(T)) T {
	change(v)
	return v
}

// stageCase is one component on one base.
type stageCase struct {
	name string // of its golden file
	base func() Base
	tool func() Tool
}

// stageCases are settings of every stage, by the name of the stage.
func stageCases() map[string][]stageCase {
	return map[string][]stageCase{
		"mrtrix3": {
			{"quickstart", trixie, quickMRtrix3},
			{"release", bookworm, func() Tool { return newMRtrix3("3.0.8") }},
			{"git-gui", focal, func() Tool {
				return with(newMRtrix3("3.0.4"), func(m *MRtrix3) {
					m.Source = Source{Git: "https://git.example/mrtrix3.git", Commit: someCommit}
					m.GUI, m.Secrets, m.Prefix = true, []string{"token"}, "/home/jovyan/mrtrix3"
				})
			}},
		},
		"ants": {
			{"distribution", trixie, quickANTs},
			{"zip", focal, func() Tool { return zipANTs() }},
			{"conda", focal, func() Tool { return condaANTs() }},
			{"commands", bookworm, func() Tool {
				return with(zipANTs(), func(a *ANTs) { a.Commands = []string{"antsBrainExtraction.sh", "N4BiasFieldCorrection"} })
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
			{"quickstart", trixie, quickPython},
			{"system", trixie, systemTorch},
			{"wheel", bookworm, func() Tool { return wheelTorch() }},
			{"build", trixie, func() Tool { return builtPython() }},
			{"tool", trixie, func() Tool { return toolPython() }},
			{"interpreter", bookworm, func() Tool {
				return with(newPython("torch"), func(p *Python) { p.Interpreter = "/usr/local/bin/python3.12"; p.Secrets = []string{"index"} })
			}},
		},
	}
}

func quickMRtrix3() Tool {
	return with(newMRtrix3("3.0.4"), func(m *MRtrix3) {
		m.Source = Source{Debian: "pool/main/m/mrtrix3/mrtrix3_3.0.4.orig.tar.gz", SHA256: mrtrix3Releases["3.0.4"]}
		m.Commands = []string{"dwi2mask", "mrinfo"}
	})
}

func quickANTs() Tool { return with(newANTs(), func(a *ANTs) { a.Distribution = true }) }

func quickPython() Tool { return newPython("numpy", "connected-components-3d", "torch") }

func zipANTs() *ANTs {
	return with(newANTs(), func(a *ANTs) {
		a.Prefix = "/opt/ants"
		a.Source = Source{URL: "https://files.example/ants-2.5.4-ubuntu-20.04-X64-gcc.zip", SHA256: someSHA256}
	})
}

// targetCases are images of the components above.
func targetCases() map[string]func() Target {
	return map[string]func() Target{
		"production": func() Target { return newTarget("production", trixie(), quickMRtrix3(), quickANTs(), quickPython()) },
		"ants":       func() Target { return newTarget("ants", trixie(), quickANTs()) },
		"jupyter":    jupyterTarget,
		"runner":     runnerTarget,
	}
}

// runnerTarget changes its base's users and offers a service.
func runnerTarget() Target {
	t := newTarget("runner", trixie().Flat(), quickANTs(), newFiles())
	t.Accounts = Accounts{Remove: []string{"ubuntu"}, Add: []Account{
		{Name: "scu", UID: 8004, Home: "/home/jovyan"}, {Name: "data", UID: 2000, GID: 100, Shell: "/bin/sh"}}}
	t.Config = llb.Config{Ports: []string{"8888/tcp"}, Health: &llb.HealthCheck{Test: []string{"CMD", "true"}, Retries: 3}}
	return t
}

func newTarget(name string, on Base, tools ...Tool) Target {
	return Target{Name: name, Run: on, Tools: tools, Build: func(string) Base { return on },
		Manifest: Manifest{Service: "1.0.0", Base: on.Reference}}
}

// jupyterTarget runs on one base what is made on another.
func jupyterTarget() Target {
	m := with(newMRtrix3("3.0.8"), func(m *MRtrix3) { m.Prefix = "/home/jovyan/mrtrix3" })
	t := newTarget("jupyter", bookworm(), m, zipANTs())
	t.Build = func(string) Base { return focal() }
	t.Manifest.Generated = "2024-05-01"
	return t
}

func assemble(t *testing.T, target Target) Image {
	t.Helper()
	img, err := target.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func stageOf(t *testing.T, tool Tool, on Base) Stage {
	t.Helper()
	s, err := tool.Stage(Ground{Build: on, Run: on})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
