// Package standins has components that are built as the real ones are, from
// sources that only look like theirs: the network of a test has no more. A
// component's function serves its source and returns its table in
// components.toml, without the line of its name.
package standins

// The paths that the real sites have.
const (
	ANTsPath    = "/ANTsX/ANTs/releases/download/v2.5.4/ants-2.5.4-ubuntu-24.04-X64-gcc.zip"
	mrtrix3Path = "/MRtrix3/mrtrix3/archive/3.0.4.tar.gz"

	FreeSurferPath = "/pub/dist/freesurfer/6.0.0/freesurfer-Linux-centos6_x86_64-stable-pub-v6.0.0.tar.gz"
	Synb0Path      = "/MASILab/Synb0-DISCO.git"
	SCTPath        = "/spinalcordtoolbox/spinalcordtoolbox.git"
	MiniforgePath  = "/conda-forge/miniforge/releases/download/24.11.2-1/Miniforge3-Linux-x86_64.sh"
)

// FreeSurferStamp is what FreeSurfer 6.0.0 calls itself.
const FreeSurferStamp = "freesurfer-Linux-centos6_x86_64-stable-pub-v6.0.0-2beb96c"
