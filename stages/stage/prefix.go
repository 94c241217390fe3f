package stage

import (
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// Within reports whether a path is the folder dir or lies in it.
func Within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// Apart refuses two components of one image whose prefixes are the same or lie
// in each other: their layers would write the same files. A component without a
// prefix cannot overlap.
func Apart(a, b Common) error {
	if a.Prefix == b.Prefix && a.Prefix != "" {
		return problem.Refusedf("%s and %s have the same prefix %s", a.Name, b.Name, a.Prefix).
			Hint("give one of them another prefix")
	}
	if len(a.Prefix) < len(b.Prefix) {
		a, b = b, a // then a can lie in b
	}
	if b.Prefix == "" || !Within(a.Prefix, b.Prefix) {
		return nil
	}
	return problem.Refusedf("the prefix %s of %s is inside %s, the prefix of %s", a.Prefix, a.Name, b.Prefix, b.Name).
		Hint("choose prefixes that do not contain each other")
}
