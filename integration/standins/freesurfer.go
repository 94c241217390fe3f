package standins

import (
	"fmt"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/upstream"
)

// FreeSurfer serves a release with the files, and returns a table with more lines.
func FreeSurfer(t testing.TB, s *upstream.Site, files map[string]string, more string) string {
	t.Helper()
	address, sum := s.Put(FreeSurferPath, kit.Must(upstream.Tarball(files))(t))
	return fmt.Sprintf("version = \"6.0.0\"\nsource = { url = %q, sha256 = %q }\n%s\n", address, sum, more)
}
