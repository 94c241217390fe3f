package standins

import (
	"fmt"
	"maps"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/upstream"
)

// GoodANTs is a program that answers as ANTs' programs do.
const GoodANTs = `#!/bin/sh
[ "$1" != --version ] || echo "ANTs Version: 2.5.4"
`

// ANTs serves a release zip in which antsRegistration is the script, beside
// the programs that other components call, and returns its component table,
// without the line of its name.
func ANTs(t testing.TB, s *upstream.Site, script string) string {
	t.Helper()
	address, sum := s.Put(ANTsPath, kit.Zip(t, ANTsFiles("ants-2.5.4/", map[string]string{
		"ants-2.5.4/bin/antsRegistration": script,
		"ants-2.5.4/bin/libants.a":        "!<arch>\n",
	})))
	return ANTsAt(address, sum)
}

// ANTsFiles is the programs that other components call, all of them GoodANTs, in
// bin below the folder, and more.
func ANTsFiles(folder string, more map[string]string) map[string]string {
	files := map[string]string{}
	for _, name := range []string{"antsApplyTransforms", "antsRegistration", "antsRegistrationSyNQuick.sh", "N4BiasFieldCorrection", "PrintHeader"} {
		files[folder+"bin/"+name] = GoodANTs
	}
	maps.Copy(files, more)
	return files
}

// ANTsAt is the component table of a release at the address.
func ANTsAt(address, sum string) string {
	return fmt.Sprintf("version = \"2.5.4\"\nsource = { url = %q, sha256 = %q }\n", address, sum)
}
