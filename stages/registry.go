package stages

// All lists the stages in the order the documentation has them. A new tool is
// one file and one line here.
func All() []Kind {
	return []Kind{
		{"mrtrix3", "MRtrix3, compiled from its source for baseline x86-64.",
			func() Tool { return &MRtrix3{Common: Common{Prefix: "/opt/mrtrix3"}} }},
		{"ants", "ANTs, from a release zip, from conda packages or from the distribution's package.",
			func() Tool { return &ANTs{} }},
		{"fsl", "FSL, from an exact list of conda packages. Its licence allows non-commercial use only.",
			func() Tool { return &FSL{Common: Common{Prefix: "/opt/fsl"}, Profile: "minimal"} }},
		{"conda", "A conda environment from an exact list of packages, whatever is in it.",
			func() Tool { return &Conda{} }},
		{"c3d", "Convert3D, from a release archive.",
			func() Tool { return &C3D{Common: Common{Prefix: "/opt/c3d"}} }},
		{"art", "ART's acpcdetect, from an archive.",
			func() Tool { return &ART{Common: Common{Prefix: "/opt/art"}, Format: "tar.gz", Strip: 1} }},
		{"python", "A Python environment, filled by uv from requirements with hashes.",
			func() Tool { return newEnvironment() }},
		{"archive", "Any tool or data that is unpacked and nothing else.",
			func() Tool { return &Archive{} }},
		{"apt", "Any packages of the distribution.",
			func() Tool { return &Apt{} }},
		{"make", "Any tool that is compiled by a few shell commands.",
			func() Tool { return &Make{} }},
		{"files", "Files of your own: scripts, settings, data.",
			func() Tool { return &Files{Generic: Generic{Licence: ownLicence}} }},
		{"freesurfer", "FreeSurfer, pruned while it is unpacked or copied, without its licence.",
			func() Tool {
				return &FreeSurfer{Common: Common{Prefix: "/opt/freesurfer"}, Profile: "full", Licence: "/run/freesurfer/license.txt"}
			}},
		{"synb0", "Synb0-DISCO, patched to run on the CPU.",
			func() Tool {
				return &Synb0{Common: Common{Prefix: "/opt/synb0-disco"}, Interpreter: "/opt/python/bin/python", Topup: "service"}
			}},
		{"sct", "Spinal Cord Toolbox, installed at its prefix by its own installer.",
			func() Tool { return &SCT{Common: Common{Prefix: "/opt/sct"}, Data: true, Binaries: true} }},
	}
}

// Find is the stage of that name.
func Find(name string) (Kind, bool) {
	for _, k := range All() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}
