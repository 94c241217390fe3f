package osparc

import (
	"fmt"
	"strings"
	"testing"
)

// TestOpen: what is empty, or an address that is nobody's, is its owner's to fill
// in, and no mistake of the file.
func TestOpen(t *testing.T) {
	t.Parallel()
	const rest = "key: simcore/services/comp/tool\nversion: 1.0.0\nname: a\ndescription: a\nintegration-version: 2.0.0\ntype: computational\ninputs: {}\noutputs: {}\n"
	for email, open := range map[string]int{"": 2, "a@example.org": 2, "A@Lab.Example.COM": 2, "a@b.invalid": 2, "a@b.test": 2, "a@notexample.org": 0, "a@example.org.ch": 0} {
		text := fmt.Sprintf("contact: %q\nauthors: [{name: a, email: %q}]\n", email, email) + rest
		s, problems := Parse(File{MetadataFile, []byte(text)}, File{}, File{})
		if len(problems) > 0 || len(s.Open) != open {
			t.Errorf("%q: %v, open are %v, want %d", email, problems, s.Open, open)
		}
	}
	s, problems := Parse(File{MetadataFile, []byte("contact: ''\nauthors:\n- {name: '', email: '', affiliation: ''}\n" + rest)}, File{}, File{})
	if len(problems) > 0 || len(s.Open) != 4 {
		t.Fatalf("%v, open are %v", problems, s.Open)
	}
	if got := s.Open[0].Error(); !strings.Contains(got, "metadata.yml:3:10: name of the service is not filled in") {
		t.Error(got)
	}
}
