package stages

// Settings of the stages that know no tool, and of those made of an archive
// alone.

func told(name string) Generic {
	return Generic{Licence: "BSD-3-Clause", VersionCommand: name + " --version", Smoke: []string{name + " --help"}}
}

func newCommon(stage, name string) Common {
	return Common{Name: name, Stage: stage, Version: "1.2.3", Prefix: "/opt/" + name}
}

func newArchive() *Archive {
	return &Archive{Common: newCommon("archive", "tool"), Generic: told("tool"), Strip: 1,
		Source: Source{URL: "https://files.example/tool-1.2.3.tar.gz", SHA256: someSHA256}}
}

func archiveCases() []stageCase {
	return []stageCase{
		{"tar", trixie, func() Tool { return newArchive() }},
		{"pruned", bookworm, func() Tool {
			return with(newArchive(), func(a *Archive) {
				a.Source.URL, a.To, a.Secrets = "https://files.example/tool.tar.xz", "share/tool", []string{"token"}
				a.Keep, a.Prune = []string{"bin", "lib/*.so", "it's"}, []string{"*.a", "share/doc"}
				a.Runtime = Debs{"any": {"bc"}, "debian-12": {"libtiff6"}}
				a.Path, a.Env = []string{"share/tool/bin", "/opt/other"}, map[string]string{"TOOLHOME": "{prefix}/share", "B": "2"}
				a.VersionPattern, a.VersionKey, a.NonCommercial = `tool/([0-9.]+)`, "TOOL", true
			})
		}},
		{"zip", focal, func() Tool {
			return with(newArchive(), func(a *Archive) {
				a.Source.URL, a.Format, a.Prune = "https://files.example/download", "zip", []string{"lib/*"}
			})
		}},
		{"git", trixie, func() Tool {
			return with(newArchive(), func(a *Archive) {
				a.Source, a.Strip = Source{Git: "https://git.example/tool.git", Commit: someCommit}, 0
			})
		}},
		{"image", trixie, func() Tool {
			return with(newArchive(), func(a *Archive) {
				a.Source, a.Strip = Source{Image: "registry.example/tool:1@sha256:" + someSHA256, Path: "/opt/the tool"}, 0
			})
		}},
	}
}

func aptCases() []stageCase {
	newApt := func() *Apt {
		return &Apt{Common: Common{Name: "jq", Stage: "apt", Version: "1.7"}, Packages: Debs{"any": {"jq", "libonig5"}}, Generic: Generic{Licence: "MIT"}}
	}
	return []stageCase{
		{"packaged", trixie, func() Tool { return newApt() }},
		{"told", bookworm, func() Tool {
			return with(newApt(), func(a *Apt) {
				a.Packages = Debs{"debian-12": {"jq"}, "debian-13": {"jq-next"}}
				a.VersionCommand, a.Path, a.Runtime = "jq --version", []string{"/usr/lib/jq"}, Debs{"any": {"bc"}}
			})
		}},
	}
}

func newMake() *Make {
	return &Make{Common: newCommon("make", "tool"), Generic: told("tool"), Strip: 1,
		Source:        Source{URL: "https://files.example/tool-1.2.3.tgz", SHA256: someSHA256},
		BuildPackages: Debs{"any": {"gcc", "make"}},
		Configure:     `./configure --prefix="$PREFIX"`, Build: "make", Install: "make install"}
}

func makeCases() []stageCase {
	return []stageCase{
		{"archive", trixie, func() Tool { return newMake() }},
		{"git", focal, func() Tool {
			return with(newMake(), func(m *Make) {
				m.Source, m.Strip = Source{Git: "https://git.example/tool.git", Commit: someCommit}, 0
				m.Configure, m.Secrets = "", []string{"token"}
				m.Install = "mkdir $PREFIX/bin\ncp 'the tool' $PREFIX/bin/"
			})
		}},
	}
}

func newFiles() *Files {
	return &Files{Common: newCommon("files", "scripts"), Generic: Generic{Licence: ownLicence, Smoke: []string{"{prefix}/bin/hello"}},
		Files: []Entry{
			{From: File{Path: "scripts/hello.sh", Content: []byte("#!/bin/sh\necho hello\n")}, To: "bin/hello", Mode: "0755", Owner: "1000:100"},
			{From: File{Path: "scripts/notes.txt", Content: []byte("notes\n")}, To: "share/"},
		}}
}

func filesCases() []stageCase {
	return []stageCase{
		{"prefix", trixie, func() Tool { return newFiles() }},
		{"anywhere", focal, func() Tool {
			return with(newFiles(), func(f *Files) {
				f.Prefix, f.Smoke = "", nil
				f.Files[0].To, f.Files[1].To = "/usr/local/bin/hello", "/etc/notes/"
			})
		}},
		{"links", trixie, func() Tool {
			return with(newFiles(), func(f *Files) {
				f.Links = map[string]string{"/home/jovyan/fsl": "/opt/fsl", "bin/hi": "hello"}
				f.Files = append(f.Files, Entry{To: "/data/inner"}, Entry{To: "/data", Mode: "0775", Owner: "1000:100"})
			})
		}},
	}
}

func newC3D(commands ...string) *C3D {
	return &C3D{Common: Common{Name: "c3d", Stage: "c3d", Version: "1.0.0", Prefix: "/opt/c3d"}, Commands: commands,
		Source: Source{URL: "https://files.example/c3d-1.0.0-Linux-x86_64.tar.gz/download", SHA256: someSHA256}}
}

func c3dCases() []stageCase {
	return []stageCase{
		{"all", trixie, func() Tool { return newC3D() }},
		{"affine", focal, func() Tool { return newC3D("c3d_affine_tool") }},
	}
}

func newART() *ART {
	return &ART{Common: Common{Name: "art", Stage: "art", Version: "2.0", Prefix: "/opt/art"}, Format: "tar.gz", Strip: 1,
		Source: Source{URL: "https://files.example/73h5s/download", SHA256: someSHA256}}
}

func artCases() []stageCase {
	return []stageCase{{"minified", trixie, func() Tool { return newART() }}}
}

const wheelRequirements = `numpy==2.1.0 --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111
torch @ https://wheels.example/whl/cpu/torch-2.5.1%2Bcpu-cp312-cp312-linux_x86_64.whl ; sys_platform == "linux" \
    --hash=sha256:5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a
`

func systemTorch() Tool {
	return with(newPython("numpy", "torch"), func(p *Python) {
		p.SystemSitePackages, p.Runtime = true, Debs{"any": {"python3-torch"}}
		p.Requirements.Content = []byte("numpy==2.1.0 " + someHash + "\n")
	})
}

func wheelTorch() *Python {
	return with(newPython("numpy", "torch"), func(p *Python) { p.Requirements.Content = []byte(wheelRequirements) })
}

func builtPython() *Python {
	return with(newPython("numpy"), func(p *Python) {
		p.Build, p.BuildPackages = true, Debs{"debian-13": {"libjpeg-dev"}}
		p.BuildConstraints = File{Path: "build.txt", Content: []byte("setuptools==80.9.0 " + someHash + "\n")}
	})
}

func toolPython() *Python {
	return with(newPython(), func(p *Python) {
		p.Name, p.Version, p.Prefix, p.Commands = "dcm2niix", "1.0.20260724", "/opt/dcm2niix", []string{"dcm2niix"}
		p.Generic = Generic{Licence: "BSD-2-Clause", VersionCommand: "dcm2niix -v", VersionPattern: `^v([0-9.]+)`}
	})
}
