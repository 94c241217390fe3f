// Package stages holds one file per tool. Each has the tool's settings, as
// they stand in components.toml, and turns them into a Stage: a layer at the
// tool's prefix and everything an image must know of it.
//
// A stage is a pure function from settings to a layer. To add a tool, write
// its file and name it in All.
package stages

import "github.com/medbuild/medbuild/stages/stage"

// All lists the stages in the order the documentation has them. A new tool is
// one file and one line here.
func All() []stage.Kind {
	return []stage.Kind{
		kind("mrtrix3", "MRtrix3, compiled from its source for baseline x86-64.",
			func() stage.Tool { return &MRtrix3{Common: stage.Common{Prefix: "/opt/mrtrix3"}} }),
		kind("ants", "ANTs, from a release zip, from conda packages or from the distribution's package.",
			func() stage.Tool { return &ANTs{} }),
		kind("fsl", "FSL, from an exact list of conda packages. Its licence allows non-commercial use only.",
			func() stage.Tool { return &FSL{Common: stage.Common{Prefix: "/opt/fsl"}, Profile: "minimal"} }),
		kind("conda", "A conda environment from an exact list of packages, whatever is in it.",
			func() stage.Tool { return &Conda{} }),
		kind("c3d", "Convert3D, from a release archive.",
			func() stage.Tool { return &C3D{Common: stage.Common{Prefix: "/opt/c3d"}} }),
		kind("art", "ART's acpcdetect, from an archive.",
			func() stage.Tool { return &ART{Common: stage.Common{Prefix: "/opt/art"}, Format: "tar.gz", Strip: 1} }),
		kind("python", "A Python environment, filled by uv from requirements with hashes.",
			func() stage.Tool { return newEnvironment() }),
		kind("archive", "Any tool or data that is unpacked and nothing else.",
			func() stage.Tool { return &Archive{} }),
		kind("apt", "Any packages of the distribution.",
			func() stage.Tool { return &Apt{} }),
		kind("make", "Any tool that is compiled by a few shell commands.",
			func() stage.Tool { return &Make{} }),
		kind("files", "Files of your own: scripts, settings, data.",
			func() stage.Tool { return &Files{Generic: stage.Generic{Licence: ownLicence}} }),
		kind("freesurfer", "FreeSurfer, pruned while it is unpacked or copied, without its licence.",
			func() stage.Tool {
				return &FreeSurfer{Common: stage.Common{Prefix: "/opt/freesurfer"}, Profile: "full", Licence: "/run/freesurfer/license.txt"}
			}),
		kind("synb0", "Synb0-DISCO, patched to run on the CPU.",
			func() stage.Tool {
				return &Synb0{Common: stage.Common{Prefix: "/opt/synb0-disco"}, Interpreter: "/opt/python/bin/python", Topup: "service"}
			}),
		kind("sct", "Spinal Cord Toolbox, installed at its prefix by its own installer.",
			func() stage.Tool { return &SCT{Common: stage.Common{Prefix: "/opt/sct"}, Data: true, Binaries: true} }),
	}
}

func kind(name, about string, defaults func() stage.Tool) stage.Kind {
	return stage.Kind{Name: name, About: about, Defaults: defaults}
}

// Find is the stage of that name.
func Find(name string) (stage.Kind, bool) {
	for _, k := range All() {
		if k.Name == name {
			return k, true
		}
	}
	return stage.Kind{}, false
}
