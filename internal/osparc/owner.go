package osparc

import (
	"fmt"
	"regexp"

	"github.com/medbuild/medbuild/internal/problem"
)

// reserved matches addresses that are nobody's (RFC 2606, RFC 6761).
var reserved = regexp.MustCompile(`[@.](example\.(com|net|org)|example|invalid|localhost|test)$`)

// owners is what the service's owner alone knows. An empty string, or an address
// that is nobody's, is no mistake of the file: it is told in Service.Open.
func owners(of rule) rule {
	return func(r *reader, v value) value {
		s, ok := v.data.(string)
		if s != "" || !ok {
			v = of(r, v)
		}
		if s, ok = v.data.(string); ok && (s == "" || reserved.MatchString(s)) {
			r.missing(v)
		}
		return v
	}
}

func (r *reader) missing(v value) {
	if len(r.open) >= maxProblems {
		return
	}
	message := fmt.Sprintf("%s of the service is not filled in", v.name)
	if s, _ := v.data.(string); s != "" {
		message = fmt.Sprintf("%s of the service is not filled in: %s is nobody's address", v.name, shorten(s))
	}
	r.open = append(r.open, &problem.Error{At: v.at, Class: problem.Refused, Message: message,
		Hints: []string{"its owner knows it; osparc_placeholder = true in the target builds an image that is not to be published without it"}})
}
