package standins

import (
	"fmt"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/upstream"
)

// The paths that the real channels have.
const (
	FSLChannel   = "/fsldownloads/fslconda/public"
	ForgeChannel = "/conda-forge"
)

// wrapperMaker is what FSL's packages call when they are linked: it makes a
// wrapper for each program, so that the environment's bin need not be on PATH.
const wrapperMaker = `#!/bin/bash
if [ "$FSL_CREATE_WRAPPER_SCRIPTS" != 1 ] || [ "$FSLDIR" != "$PREFIX" ]; then exit 0; fi
mkdir -p "$FSLDIR/share/fsl/bin"
for c in "$@"; do
  printf '#!/usr/bin/env bash\n%s/bin/%s "$@"\n' "$FSLDIR" "$c" >"$FSLDIR/share/fsl/bin/$c"
  chmod 755 "$FSLDIR/share/fsl/bin/$c"
done
`

// fslProgram is a script made for the channel's prefix, which it names: without
// arguments it answers as FSL's do, with help and a code of its own.
const fslProgram = "#!" + upstream.CondaPrefix + "/bin/tool\n"

// fslTool is what runs FSL's programs here. It lies in the environment too.
const fslTool = `#!/bin/sh
echo "$1 of ` + upstream.CondaPrefix + ` with ${2-nothing}"
[ $# -gt 1 ]
`

// fakePython is a Python of the environment that is the base's, as far as the
// base has one.
const fakePython = "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n"

// FSL serves packages with FSL's names and returns a lock of them.
func FSL(t testing.TB, s *upstream.Site) string {
	t.Helper()
	lock := "# size in bytes, sha256, address, licence\n"
	for _, p := range fslPackages() {
		lock += kit.Must(s.Conda(FSLChannel, p))(t)
	}
	for _, p := range forgePackages() {
		lock += kit.Must(s.Conda(ForgeChannel, p))(t)
	}
	return lock
}

func fslPackages() []upstream.CondaPackage {
	base := upstream.CondaPackage{Name: "fsl-base", Version: "2602.1", Build: "py_0", Subdir: "noarch", NoArch: "generic",
		Files: map[string]string{
			"share/fsl/sbin/createFSLWrapper": wrapperMaker,
			"etc/fslconf/fsl.sh":              "FSLDIR=" + upstream.CondaPrefix + "\n",
			"doc/index.html":                  "<html>\n",
			"data/standard/MNI152.txt":        "kept\n",
			"data/standard/other.txt":         "pruned\n",
			"bin/tool":                        fslTool,
			"lib/libfsl.a":                    "!<arch>\n",
			"lib/libfsl.so":                   "\x7fELF\x00" + upstream.CondaPrefix + "/lib\x00end\x00",
		}}
	out := []upstream.CondaPackage{base}
	for _, p := range []struct {
		name, version string
		bzip2         bool
		programs      []string
	}{
		{"fsl-avwutils", "2209.4", false, []string{"fslmaths", "fslmerge", "fslinfo"}},
		{"fsl-bet2", "2111.9", false, []string{"bet"}},
		{"fsl-flirt", "2111.4", true, []string{"flirt", "convert_xfm", "epi_reg"}},
		{"fsl-fast4", "2111.3", true, []string{"fast"}},
		{"fsl-topup", "2203.5", true, []string{"topup", "applytopup"}},
		{"fsl-eddy", "2401.2", false, []string{"eddy_cpu"}},
	} {
		out = append(out, fslPackage(p.name, p.version, p.bzip2, p.programs))
	}
	return out
}

func fslPackage(name, version string, bzip2 bool, programs []string) upstream.CondaPackage {
	p := upstream.CondaPackage{Name: name, Version: version, Build: "h0123456_0", Subdir: "linux-64", Depends: []string{"fsl-base"},
		Files:    map[string]string{},
		PostLink: "$PREFIX/share/fsl/sbin/createFSLWrapper " + strings.Join(programs, " ") + "\n", Bzip2: bzip2}
	for _, program := range programs {
		p.Files["bin/"+program] = fslProgram
	}
	if name == "fsl-topup" {
		p.Files["etc/flirtsch/b02b0.cnf"] = "--warpres=20,16,14,12,10,6,4,4,4\n"
	}
	return p
}

// forgePackages is a Python and a package of it that has byte code from where
// it was made, as real ones have.
func forgePackages() []upstream.CondaPackage {
	return []upstream.CondaPackage{
		{Name: "python", Version: "3.13.5", Build: "h0_2_cpython", Subdir: "linux-64", Licence: "Python-2.0",
			Files: map[string]string{"bin/python": fakePython, "bin/python3.13": fakePython, "lib/python3.13/os.py": "name = 'posix'\n"}},
		{Name: "fslpy", Version: "3.27.0", Build: "pyhd8ed1ab_0", Subdir: "noarch", NoArch: "python", Licence: "Apache-2.0",
			Depends: []string{"python"}, EntryPoints: []string{"imcp = fsl.scripts.imcp:main"},
			Files: map[string]string{"site-packages/fsl/scripts/imcp.py": "def main():\n    print('imcp')\n"}},
	}
}

// FSLTable is FSL's component table, with a line more.
func FSLTable(more string) string {
	return fmt.Sprintf("version = \"6.0.7.18\"\nlock = \"fsl.conda.tsv\"\naccept_licence = true\n%s\n", more)
}

// CondaTable is a component of conda packages, one of them with a program of
// the component's name.
func CondaTable(name string) string {
	return fmt.Sprintf("stage = \"conda\"\nversion = \"1.0\"\nprefix = \"/opt/%[1]s\"\nlock = \"%[1]s.conda.tsv\"\nlicence = \"MIT\"\n"+
		"commands = [%[1]q]\nversion_command = %[1]q\n", name)
}
