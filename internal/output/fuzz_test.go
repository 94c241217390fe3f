package output

import (
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

// FuzzParseOutput: any value is an output with a type, or a mistake of the command
// line that says something.
func FuzzParseOutput(f *testing.F) {
	for _, seed := range []string{"out", "-", "type=oci,dest=out,tar=false,compression=gzip", "type=docker", "type=registry,push=false",
		"type=local,dest=-", "type=oci,tar=maybe", "type=x", "dest=a,dest=b", "=", "\"", "type=tar,dest={target}.tar", "type=image,oci-mediatypes=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOutput(s)
		if err != nil {
			if problem.ClassOf(err) != problem.Usage || problem.Text(err) == "" {
				t.Errorf("%q is no mistake of the command line: %v", s, err)
			}
			return
		}
		if o.Type == "" || o.Attrs == nil {
			t.Errorf("%q is %+v", s, o)
		}
		if one := o.For("a"); one.Type != o.Type || one.Dir != o.Dir {
			t.Errorf("%q of a target is %+v", s, one)
		}
	})
}
