package standins

import (
	"fmt"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/upstream"
)

// Says is a program that prints the text whatever it is asked.
func Says(text string) string { return "#!/bin/sh\ncat <<'end'\n" + text + "\nend\n" }

// SourceOf is the source of a component that is served at the address.
func SourceOf(address, sum string) string {
	return fmt.Sprintf("source = { url = %q, sha256 = %q }\n", address, sum)
}

// C3D serves an archive with the names that the release has.
func C3D(t testing.TB, s *upstream.Site) string {
	t.Helper()
	const top = "c3d-1.0.0-Linux-x86_64/"
	return SourceOf(s.Put("/projects/c3d/files/c3d/1.0.0/c3d-1.0.0-Linux-x86_64.tar.gz/download", kit.Tar(t, map[string]string{
		top + "bin/c3d": Says("Version 1.0.0"), top + "bin/c2d": "", top + "bin/c3d_gui": "", top + "lib/libcxx.a": "!<arch>\n", top + "share/doc/c3d.md": "",
		top + "bin/c3d_affine_tool": Says("Matrix #1:\n     0.50000        0.00000        0.00000        0.00000"),
	}))) + "version = \"1.0.0\"\n"
}

// ART serves an archive with the names that the release has.
func ART(t testing.TB, s *upstream.Site) string {
	t.Helper()
	return SourceOf(s.Put("/73h5s/download", kit.Tar(t, map[string]string{
		"art/bin/acpcdetect": Says("acpcdetect v2.0, April 19, 2018 release"), "art/PILbrain.nii": "nii", "art/models/T1acpc.mdl": "model",
	}))) + "version = \"2.0\"\n"
}
