package stage

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

func TestApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ a, b, want string }{
		{"/opt/fsl", "/opt/ants", ""}, {"", "/opt/ants", ""}, {"", "", ""}, {"/opt/fsl", "/opt/fsl6", ""},
		{"/opt/fsl", "/opt/fsl", "a and b have the same prefix /opt/fsl\nhint: "},
		{"/opt/fsl/ants", "/opt/fsl", "the prefix /opt/fsl/ants of a is inside /opt/fsl, the prefix of b\nhint: "},
		{"/opt", "/opt/fsl", "the prefix /opt/fsl of b is inside /opt, the prefix of a\nhint: "},
	} {
		err := Apart(Common{Name: "a", Prefix: tt.a}, Common{Name: "b", Prefix: tt.b})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(problem.Text(err), tt.want)) {
			t.Errorf("%s and %s: %v, want %q", tt.a, tt.b, err, tt.want)
		}
	}
}
