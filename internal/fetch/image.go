package fetch

import (
	"cmp"
	"strings"
)

// image is why an image could not be fetched.
func image(said string) Failure {
	f := Failure{Reason: cacheKey.ReplaceAllString(plainly(said), ""), Transient: interrupted(said) || short.MatchString(said)}
	switch {
	case wantsLogin.MatchString(said):
		f.Hints, f.login = []string{"the registry requires a login: docker login stores one"}, true
	case redirects.MatchString(said):
		f.Hints = []string{"the registry, or a proxy on the way, redirects in a loop: name another registry"}
	case busy.MatchString(said):
		f.Hints = []string{"the registry limits the rate of requests: try again later, log in (docker login), or name a mirror"}
	case strings.Contains(said, "unexpected commit digest"), damaged.MatchString(said):
		f.Hints = []string{"the registry, or a proxy on the way, sent content that does not match the digest: try again, or name another registry"}
	case absent.MatchString(said):
		f.Hints = []string{"check the image's name and digest in the registry: it may have been deleted"}
	case trouble.MatchString(said):
		f.Hints = []string{"the registry has a problem: try again later, or name a mirror"}
	default:
		f.Hints = []string{cmp.Or(answerOf(said).transport(), reaching(said))}
	}
	return f
}
