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
