package build

import (
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

// FuzzParseCaches: any value is a cache of a known type, or a mistake of the
// command line.
func FuzzParseCaches(f *testing.F) {
	for _, seed := range []string{"registry.example/c", "type=registry,ref=a,mode=max", "type=gha,token=a", "type=s3,bucket=b", "type=local,src=x", "type=x", "="} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		for _, flag := range []string{"--cache-from", "--cache-to"} {
			all, err := ParseCaches(flag, []string{s}, func(string) string { return value })
			switch {
			case err != nil && problem.ClassOf(err) != problem.Usage:
				t.Errorf("%s %q is no mistake of the command line: %v", flag, s, err)
			case err == nil && (len(all) != 1 || all[0].Type == "" || all[0].Attrs["type"] != ""):
				t.Errorf("%s %q is %+v", flag, s, all)
			}
		}
	})
}
