package engine

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

// A BuildKit that is too old is refused with its version and the oldest that
// works; one that does not tell is tried.
func TestVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v0.33.1": "", Oldest: "", "0.12.5+ds1-1+b3": "", "v0.12.0-rc2": "is BuildKit 0.12.0-rc2; ",
		"": "", "0.0.0+unknown": "", "v0.0.0-20260101000000-abc": "", "a fork": "",
		"v0.11.6": "is BuildKit 0.11.6; the oldest supported version is " + Oldest[1:] + "\nhint: update that BuildKit to " + Oldest[1:],
		"0.10.4":  "is BuildKit 0.10.4; the oldest supported version is " + Oldest[1:],
		"none":    "is BuildKit older than 0.11; the oldest supported version is " + Oldest[1:],
	} {
		l := fake{workers: 1, version: version}.listen(t, "tcp", "127.0.0.1:0")
		e, err := bareMachine(t, nil).find(t.Context(), Options{Address: "tcp://" + l.Addr().String()})
		if err == nil {
			err = e.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(problem.Text(err), want) {
			t.Errorf("version %q: error is %v, want %q", version, err, want)
		}
	}
}
