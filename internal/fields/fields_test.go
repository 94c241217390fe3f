package fields

import (
	"encoding/csv"
	"maps"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]map[string]string{
		"type=oci,Dest=out":                {"type": "oci", "dest": "out"},
		"lone":                             {"dest": "lone"},
		"a=,b=x=y":                         {"a": "", "b": "x=y"},
		`"a=1,2",b=3`:                      {"a": "1,2", "b": "3"},
		"/path,with a=comma":               nil,
		"=x":                               nil,
		"a=1\nb=2":                         nil,
		"a=1\n":                            nil,
		"a=" + strings.Repeat("x", 64<<10): nil,
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

// FuzzParse: what can be read is read the same when it is written in one order and
// read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"type=oci,dest=out", "lone", `"a=1,2",b=3`, `"a=""",b`, "=", "a=\n", "\xff=\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse("--output", s, "dest")
		if err != nil {
			return
		}
		var b strings.Builder
		w := csv.NewWriter(&b)
		var parts []string
		for k, v := range got {
			if k == "" {
				t.Fatalf("%q has a value without a key", s)
			}
			parts = append(parts, k+"="+v)
		}
		if err := w.Write(parts); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		again, err := Parse("--output", strings.TrimSuffix(b.String(), "\n"), "dest")
		if err != nil || !maps.Equal(got, again) {
			t.Errorf("%q is %q, and then %q (%v)", s, got, again, err)
		}
	})
}
