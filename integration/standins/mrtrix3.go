package standins

import (
	"fmt"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/upstream"
)

// What configure does: its work, or an error after more lines than are shown.
const (
	GoodConfigure = "print('configured')\n"
	BadConfigure  = "import sys\nfor i in range(1, 41): print('checking', i, flush=True)\nprint('error: no Eigen3 found', file=sys.stderr)\nsys.exit(3)\n"
)

// SlowConfigure says "configuring" and then runs a command with a name of its own
// for ten minutes.
func SlowConfigure(sleep string) string {
	return "import subprocess\nprint('configuring', flush=True)\nsubprocess.run(['sleep', '" + sleep + "'])\n"
}

// MRtrix3 serves a source archive whose configure is the Python program,
// and returns its component table. Its build takes a moment.
func MRtrix3(t testing.TB, s *upstream.Site, configure string) string {
	t.Helper()
	address, sum := s.Put(mrtrix3Path, kit.Tar(t, MRtrix3Files(configure)))
	return fmt.Sprintf("version = \"3.0.4\"\ncommands = [\"mrinfo\"]\nsource = { url = %q, sha256 = %q }\n", address, sum)
}

// MRtrix3Files is the archive of a release with that configure.
func MRtrix3Files(configure string) map[string]string {
	const program = "#!/bin/sh\necho '== mrinfo 3.0.4 =='\n"
	return map[string]string{
		"mrtrix3-3.0.4/configure":          configure,
		"mrtrix3-3.0.4/build":              "import os\nopen('bin/mrinfo', 'w').write(\"\"\"" + program + "\"\"\")\nos.chmod('bin/mrinfo', 0o755)\n",
		"mrtrix3-3.0.4/bin/dwibiascorrect": "#!/usr/bin/env python3\nimport imp, distutils\n",
		"mrtrix3-3.0.4/lib/mrtrix3.py":     "",
		"mrtrix3-3.0.4/share/labels.txt":   "1 one\n",
		"mrtrix3-3.0.4/LICENCE.txt":        "MPL-2.0\n",
	}
}

// mrtrix3Build compiles what it is told to, each command from a file of its own
// and one that all share, as MRtrix3's own build does.
const mrtrix3Build = `import os, subprocess, sys
def gcc(*args): subprocess.run(('g++',) + args, check=True)
os.makedirs('bin', exist_ok=True)
gcc('-c', 'core/version.cpp', '-o', 'version.o')
for target in sys.argv[2:]:
    name = os.path.basename(target)
    gcc('-c', 'cmd/' + name + '.cpp', '-o', name + '.o')
    gcc(name + '.o', 'version.o', '-o', target)
`

// MRtrix3Sources serves sources of C++ that are compiled in seconds, of the
// commands that the quickstart has and more, and returns the component's source.
func MRtrix3Sources(t testing.TB, s *upstream.Site, more ...string) string {
	t.Helper()
	files := MRtrix3Files(GoodConfigure)
	files["mrtrix3-3.0.4/build"] = mrtrix3Build
	files["mrtrix3-3.0.4/core/version.cpp"] = "const char* version() { return \"3.0.4\"; }\n"
	for _, name := range append(quickstartCommands, more...) {
		files["mrtrix3-3.0.4/cmd/"+name+".cpp"] = "#include <iostream>\nconst char* version();\nint main() { std::cout << \"== " + name + " \" << version() << \" ==\\n\"; }\n"
	}
	return SourceOf(s.Put(mrtrix3Path, kit.Tar(t, files)))
}

// quickstartCommands is what examples/quickstart compiles; a file that is
// missing fails its build.
var quickstartCommands = []string{
	"dwi2mask", "dwiextract", "maskfilter", "mrcalc", "mrcat", "mrconvert",
	"mrdump", "mrgrid", "mrinfo", "mrmath", "mrstats", "mrthreshold",
}
