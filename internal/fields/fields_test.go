package fields

import (
	"maps"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]map[string]string{
		"type=oci,Dest=out":  {"type": "oci", "dest": "out"},
		"lone":               {"dest": "lone"},
		"a=,b=x=y":           {"a": "", "b": "x=y"},
		`"a=1,2",b=3`:        {"a": "1,2", "b": "3"},
		"/path,with a=comma": nil,
		"=x":                 nil,
	} {
		got, err := Parse("--output", given, "dest")
		if !maps.Equal(got, want) || (want == nil) != (err != nil) {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
	_, err := Parse("--output", "lone", "")
	testkit.WantText(t, err, `--output: "lone" is not key=value`)
	_, err = Parse("--output", "", "dest")
	testkit.WantText(t, err, `--output ""`)
}
