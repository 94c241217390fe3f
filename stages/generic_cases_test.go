package stages

import (
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
)

// Settings of the stages that know no tool, and of those made of an archive
// alone.

func told(name string) stage.Generic {
	return stage.Generic{Licence: "BSD-3-Clause", VersionCommand: name + " --version", Smoke: []string{name + " --help"}}
}

func newCommon(kind, name string) stage.Common {
	return stage.Common{Name: name, Stage: kind, Version: "1.2.3", Prefix: "/opt/" + name}
}

func newArchive() *Archive {
	return &Archive{Common: newCommon("archive", "tool"), Generic: told("tool"), Strip: 1,
		Source: stage.Source{URL: "https://files.example/tool-1.2.3.tar.gz", SHA256: testkit.SHA256}}
}

func archiveCases() []stageCase {
	return []stageCase{
		{"tar", stagetest.Trixie, func() stage.Tool { return newArchive() }},
		{"pruned", stagetest.Bookworm, func() stage.Tool {
			return testkit.With(newArchive(), func(a *Archive) {
				a.Source.URL, a.To, a.Secrets = "https://files.example/tool.tar.xz", "share/tool", []string{"token"}
				a.Unpacked, a.Modes = "3 GB", []string{"share/tool/bin/sudo-thing"}
				a.Keep, a.Prune = []string{"bin", "lib/*.so", "it's"}, []string{"*.a", "share/doc"}
				a.Runtime = stage.Debs{"any": {"bc"}, "debian-12": {"libtiff6"}}
				a.Path, a.Env = []string{"share/tool/bin", "/opt/other"}, map[string]string{"TOOLHOME": "{prefix}/share", "B": "2"}
				a.VersionPattern, a.VersionKey, a.NonCommercial = `tool/([0-9.]+)`, "TOOL", true
			})
		}},
		{"zip", stagetest.Focal, func() stage.Tool {
			return testkit.With(newArchive(), func(a *Archive) {
				a.Source.URL, a.Format, a.Prune = "https://files.example/download", "zip", []string{"lib/*"}
			})
		}},
		{"git", stagetest.Trixie, func() stage.Tool {
			return testkit.With(newArchive(), func(a *Archive) {
				a.Source, a.Strip = stage.Source{Git: "https://git.example/tool.git", Commit: testkit.Commit}, 0
			})
		}},
		{"image", stagetest.Trixie, func() stage.Tool {
			return testkit.With(newArchive(), func(a *Archive) {
				a.Source, a.Strip = stage.Source{Image: "registry.example/tool:1@sha256:" + testkit.SHA256, Path: "/opt/the tool"}, 0
			})
		}},
	}
}

func aptCases() []stageCase {
	newApt := func() *Apt {
		return &Apt{Common: stage.Common{Name: "jq", Stage: "apt", Version: "1.7"}, Packages: stage.Debs{"any": {"jq", "libonig5"}}, Generic: stage.Generic{Licence: "MIT"}}
	}
	return []stageCase{
		{"packaged", stagetest.Trixie, func() stage.Tool { return newApt() }},
		{"told", stagetest.Bookworm, func() stage.Tool {
			return testkit.With(newApt(), func(a *Apt) {
				a.Packages = stage.Debs{"debian-12": {"jq"}, "debian-13": {"jq-next"}}
				a.VersionCommand, a.Path, a.Runtime = "jq --version", []string{"/usr/lib/jq"}, stage.Debs{"any": {"bc"}}
			})
		}},
	}
}

func newMake() *Make {
	return &Make{Common: newCommon("make", "tool"), Generic: told("tool"), Strip: 1,
		Source:        stage.Source{URL: "https://files.example/tool-1.2.3.tgz", SHA256: testkit.SHA256},
		BuildPackages: stage.Debs{"any": {"gcc", "make"}},
		Configure:     `./configure --prefix="$PREFIX"`, Build: "make", Install: "make install"}
}

func makeCases() []stageCase {
	return []stageCase{
		{"archive", stagetest.Trixie, func() stage.Tool { return newMake() }},
		{"git", stagetest.Focal, func() stage.Tool {
			return testkit.With(newMake(), func(m *Make) {
				m.Source, m.Strip = stage.Source{Git: "https://git.example/tool.git", Commit: testkit.Commit}, 0
				m.Configure, m.Secrets = "", []string{"token"}
				m.Install = "mkdir $PREFIX/bin\ncp 'the tool' $PREFIX/bin/"
			})
		}},
	}
}

func newFiles() *Files {
	return &Files{Common: newCommon("files", "scripts"), Generic: stage.Generic{Licence: ownLicence, Smoke: []string{"{prefix}/bin/hello"}},
		Files: []Entry{
			{From: stage.File{Path: "scripts/hello.sh", Content: []byte("#!/bin/sh\necho hello\n")}, To: "bin/hello", Mode: "0755", Owner: "1000:100"},
			{From: stage.File{Path: "scripts/notes.txt", Content: []byte("notes\n")}, To: "share/"},
		}}
}

func filesCases() []stageCase {
	return []stageCase{
		{"prefix", stagetest.Trixie, func() stage.Tool { return newFiles() }},
		{"anywhere", stagetest.Focal, func() stage.Tool {
			return testkit.With(newFiles(), func(f *Files) {
				f.Prefix, f.Smoke = "", nil
				f.Files[0].To, f.Files[1].To = "/usr/local/bin/hello", "/etc/notes/"
			})
		}},
		{"appended", stagetest.Trixie, func() stage.Tool {
			return testkit.With(newFiles(), func(f *Files) {
				f.Prefix, f.Smoke = "", nil
				f.Files = []Entry{{From: stage.File{Path: "bashrc", Content: []byte("alias ll='ls -l'\n")}, To: "/root/.bashrc", Add: true}}
			})
		}},
		{"links", stagetest.Trixie, func() stage.Tool {
			return testkit.With(newFiles(), func(f *Files) {
				f.Links = map[string]string{"/home/jovyan/fsl": "/opt/fsl", "bin/hi": "hello"}
				f.Files = append(f.Files, Entry{To: "/data/inner"}, Entry{To: "/data", Mode: "0775", Owner: "1000:100"})
			})
		}},
	}
}

func newC3D(commands ...string) *C3D {
	return &C3D{Common: stage.Common{Name: "c3d", Stage: "c3d", Version: "1.0.0", Prefix: "/opt/c3d"}, Commands: commands,
		Source: stage.Source{URL: "https://files.example/c3d-1.0.0-Linux-x86_64.tar.gz/download", SHA256: testkit.SHA256}}
}

func c3dCases() []stageCase {
	return []stageCase{
		{"all", stagetest.Trixie, func() stage.Tool { return newC3D() }},
		{"affine", stagetest.Focal, func() stage.Tool { return newC3D("c3d_affine_tool") }},
	}
}

func newART() *ART {
	return &ART{Common: stage.Common{Name: "art", Stage: "art", Version: "2.0", Prefix: "/opt/art"}, Format: "tar.gz", Strip: 1,
		Source: stage.Source{URL: "https://files.example/73h5s/download", SHA256: testkit.SHA256}}
}

func artCases() []stageCase {
	return []stageCase{{"minified", stagetest.Trixie, func() stage.Tool { return newART() }}}
}

const wheelRequirements = `numpy==2.1.0 --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
torch @ https://wheels.example/whl/cpu/torch-2.5.1%2Bcpu-cp312-cp312-linux_x86_64.whl ; sys_platform == "linux" \
    --hash=sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
`

func systemTorch() stage.Tool {
	return testkit.With(newPython("numpy", "torch"), func(p *Python) {
		p.SystemSitePackages, p.Runtime = true, stage.Debs{"any": {"python3-torch"}}
		p.Requirements.Content = []byte("numpy==2.1.0 " + someHash + "\n")
	})
}

func wheelTorch() *Python {
	return testkit.With(newPython("numpy", "torch"), func(p *Python) { p.Requirements.Content = []byte(wheelRequirements) })
}

func builtPython() *Python {
	return testkit.With(newPython("numpy"), func(p *Python) {
		p.Build, p.BuildPackages = true, stage.Debs{"debian-13": {"libjpeg-dev"}}
		p.BuildConstraints = stage.File{Path: "build.txt", Content: []byte("setuptools==80.9.0 " + someHash + "\n")}
	})
}

func toolPython() *Python {
	return testkit.With(newPython(), func(p *Python) {
		p.Name, p.Version, p.Prefix, p.Commands = "dcm2niix", "1.0.20260724", "/opt/dcm2niix", []string{"dcm2niix"}
		p.Generic = stage.Generic{Licence: "BSD-2-Clause", VersionCommand: "dcm2niix -v", VersionPattern: `^v([0-9.]+)`}
	})
}
