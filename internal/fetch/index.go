package fetch

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// AnyIndex is the Python index where nothing says which: uv's own settings may.
const AnyIndex = "the configured Python index"

// AsksIndex reports whether a command installs from the Python index.
func AsksIndex(command []string) bool {
	return slices.ContainsFunc(command, func(arg string) bool {
		return strings.Contains(arg, "uv pip install") || strings.Contains(arg, "pip install ")
	})
}

// Index reads why uv or pip did not get a package, in what the step said last. It
// is false where something else went wrong. The reason names the address, or else
// the index: uv names none when an answer is no package
// at all.
func Index(log, index string) (Failure, bool) {
	if !indexFailed.MatchString(log) {
		return Failure{}, false
	}
	at := index
	if m := indexAddress.FindStringSubmatch(log); m != nil {
		at = redacted(m[1])
	}
	why := ""
	if all := indexCause.FindAllStringSubmatch(log, -1); all != nil {
		why = ": " + all[len(all)-1][1]
	}
	f := Failure{Reason: "fetch " + at + why, Transient: interrupted(log) || refused.MatchString(log) || strings.Contains(log, "after 3 retries")}
	f.Hints = []string{indexRemedy(log, f.Transient)}
	return f, true
}

// indexRemedy is what to do about it.
func indexRemedy(log string, transient bool) string {
	switch {
	case strings.Contains(log, "401"), strings.Contains(log, "403 Forbidden"):
		return "the package index requires a login: uv and pip read it from their own settings (docs/engines.md)"
	case busy.MatchString(log):
		return "the package index limits the rate of requests: try again later, or name another: [python] index in the site file"
	case strings.Contains(log, "Hash mismatch"):
		return "either the package was changed upstream, or its hash in the requirements is wrong: find out which before you change the hash"
	case refused.MatchString(log):
		return downHint
	case transient:
		return "the package index, or a proxy on the way, has a problem: try again later, or name another: [python] index in the site file"
	case notPackage.MatchString(log):
		return "what was sent is not a package: the package index, or a proxy on the way, has a problem, or redirects in a loop; name another: [python] index in the site file"
	}
	return "check that the package index has this version, or name another: [python] index in the site file"
}

func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return address
}

var (
	indexFailed = regexp.MustCompile(`(?m)^\S* ?error: (No solution found when resolving|Failed to (download|fetch)|Request failed after|Missing .Content-Type)|` +
		`Hash mismatch for|ERROR: (Could not find a version|No matching distribution)`)
	indexCause   = regexp.MustCompile(`(?m)^ +cause: (.*?)(?: for url \(.*)?$`)
	indexAddress = regexp.MustCompile("(?:Failed to fetch: `?|for url \\(|Missing `Content-Type` header for `|An index URL \\()(https?://[^`)\\s]+)")
	notPackage   = regexp.MustCompile("Missing `Content-Type`|Invalid zip|Failed to (extract|write)|invalid zip|deflate")
)
