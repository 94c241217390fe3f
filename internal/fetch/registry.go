package fetch

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/distribution/reference"
)

// Registry reads what the engine said of a registry that did not take or give an
// image or a cache. It is false where no registry is behind it. The reason names
// what was to be pushed, the registry, and its answer.
func Registry(said string) (Failure, bool) {
	a := answerOf(strings.TrimPrefix(said, "failed to solve: "))
	if !a.spoke && a.pushed == "" {
		return Failure{}, false
	}
	f := Failure{Reason: a.words(), Hints: []string{a.remedy()}, Busy: a.code == http.StatusTooManyRequests, Refused: refused.MatchString(said)}
	f.Untrusted = untrusted.MatchString(said)
	f.Transient = a.passes()
	return f, true
}

// Blob reads whether the engine could not get a layer that it had taken from an
// image or a cache without fetching it, and why.
func Blob(said string) (why string, yes bool) {
	if m := noBlob.FindStringSubmatch(said); m != nil {
		return "it has no blob " + m[1] + " any more", true
	}
	if !lazyRead.MatchString(said) {
		return "", false
	}
	a := answerOf(strings.TrimPrefix(said, "failed to solve: "))
	a.pushed = ""
	return a.words(), true
}

// answer is what a registry said, as far as the engine tells it.
type answer struct {
	pushed string // the reference that was pushed; "" when it was no image, or none was
	host   string // of the registry, or of the server that it sends logins to
	asked  string // method and path; "" where the engine does not tell
	code   int    // HTTP status; 0 where none came
	exact  bool   // the status came, and was not concluded from the registry's own code
	text   string // the rest
	plain  bool   // it was spoken to without TLS
	spoke  bool   // words of a registry's client are in it
}

// The words of containerd's client of registries (core/remotes/errors and
// core/remotes/docker), and of BuildKit around them (util/push,
// cache/remotecache).
var (
	pushing    = regexp.MustCompile(`(?s)failed to push (\S+): (.*)$`)
	unexpected = regexp.MustCompile(`(?s)unexpected status from (\w+) request to (\S+): (\d{3}) ?[^:\n]*:?\s*(.*)$`)
	unasked    = regexp.MustCompile(`(?s)failed to do request: (\w+) "([^"]*)": (.*)$`)
	// containerd (core/remotes/docker/httpreadseeker.go) reads, and BuildKit checks.
	lazyRead = regexp.MustCompile(`httpReadSeeker: |failed commit on ref "layer-`)
	noBlob   = regexp.MustCompile(`could not fetch content descriptor (sha256:[0-9a-f]{64}) .*not found`)
	writing  = regexp.MustCompile(`(?s)error writing (?:layer|config|manifest) blob: (.*)$`)
	coded    = regexp.MustCompile(`(?s)^(unsupported|unauthorized|denied|unavailable|toomanyrequests|unknown)(?:: (.*))?$`)
)

// statusOf is the HTTP status that goes with a registry's own code (distribution
// specification, "Error Codes"). Where a registry gives one, BuildKit passes on
// that alone. UNKNOWN alone is an error of the registry's own; with a message it
// is any code that containerd does not know.
var statusOf = map[string]int{
	"unsupported": http.StatusMethodNotAllowed, "unauthorized": http.StatusUnauthorized, "denied": http.StatusForbidden,
	"unavailable": http.StatusServiceUnavailable, "toomanyrequests": http.StatusTooManyRequests, "unknown": http.StatusInternalServerError,
}

func answerOf(said string) answer {
	a := answer{text: said}
	if m := pushing.FindStringSubmatch(said); m != nil {
		a.pushed, a.text = m[1], m[2]
		if named, err := reference.ParseNormalizedNamed(m[1]); err == nil {
			a.host = reference.Domain(named)
		}
	} else if m := writing.FindStringSubmatch(said); m != nil {
		a.spoke, a.text = true, m[1]
	}
	if m := unexpected.FindStringSubmatch(a.text); m != nil {
		a.at(m[1], m[2])
		a.code, _ = strconv.Atoi(m[3])
		a.exact, a.text = true, m[4]
		return a
	}
	if m := unasked.FindStringSubmatch(a.text); m != nil {
		a.at(m[1], m[2])
		a.text = m[3]
		return a
	}
	if m := coded.FindStringSubmatch(a.text); m != nil && (m[1] != "unknown" || m[2] == "") {
		a.code = statusOf[m[1]]
	}
	return a
}

func (a *answer) at(method, address string) {
	a.spoke = true
	if u, err := url.Parse(address); err == nil {
		a.host, a.plain = u.Host, u.Scheme == "http"
		a.asked = strings.ToUpper(method) + " " + u.Path
	}
}

// words is the answer for people.
func (a answer) words() string {
	text := strings.Join(strings.Fields(a.text), " ")
	status := fmt.Sprintf("%d %s", a.code, http.StatusText(a.code))
	out := text
	switch {
	case a.exact:
		out = fmt.Sprintf("registry %s answers %s to %s", a.host, status, a.asked)
		if text != "" {
			out += ": " + text
		}
	case a.code != 0:
		out = fmt.Sprintf("registry %s answers %q, the code for %s", a.host, text, status)
	case a.host != "":
		out = fmt.Sprintf("registry %s: %s", a.host, text)
	}
	if a.pushed == "" {
		return out
	}
	return fmt.Sprintf("push %s: %s", a.pushed, out)
}

// passes reports whether another try may succeed.
func (a answer) passes() bool {
	switch {
	case a.code == http.StatusNotImplemented:
		return false
	case a.code >= 500, a.code == http.StatusTooManyRequests, a.code == http.StatusRequestTimeout:
		return true
	case a.code != 0:
		return false
	}
	return interrupted(a.text) || refused.MatchString(a.text)
}

// remedy is what to do about it.
func (a answer) remedy() string {
	switch {
	case a.code == http.StatusUnauthorized:
		return "the registry requires a login: docker login " + a.host + " stores one"
	case a.code == http.StatusForbidden:
		return "this account cannot push there: check the repository's name and the account's permissions (docker login " + a.host + ")"
	case a.code == http.StatusNotFound, strings.HasPrefix(a.text, "unknown: repository name"):
		return "the registry has no such repository and does not create one: create it there, or check its name"
	case a.code == http.StatusMethodNotAllowed:
		return "nothing can be pushed there: the registry may be read-only, a mirror of another one, or not a registry at all; name another"
	case a.code == http.StatusRequestEntityTooLarge:
		return "the registry, or a proxy in front of it, limits how large an upload is: have the limit raised, or push elsewhere"
	case a.code == http.StatusTooManyRequests:
		return "the registry limits the rate of requests: try again later, or log in (docker login " + a.host + ")"
	case a.code != 0 && a.passes():
		return "the registry has a problem: try again later"
	}
	if a.code != 0 && a.transport() == "" {
		return "check the registry's address and the repository's name"
	}
	return cmp.Or(a.transport(), reaching(a.text))
}

// transport is what to do about a registry that is spoken to in another way than it
// speaks, "" where that is not it.
func (a answer) transport() string {
	switch {
	case a.code == http.StatusBadRequest && a.plain && loopback(a.host):
		return "the engine uses plain HTTP for registries on its own machine: if this one has TLS, name its certificate authority, [[registries]] ca in the site file, or take any certificate: --output type=registry,registry.insecure=true"
	case strings.Contains(a.text, "server gave HTTP response to HTTPS client"):
		return "the registry has no TLS: [[registries]] insecure in the site file allows that, and so does --output type=registry,registry.insecure=true"
	case untrusted.MatchString(a.text):
		return "name the registry's certificate authority, [[registries]] ca in the site file; an engine that is not medbuild's own has it in its buildkitd.toml"
	}
	return ""
}

func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}
