package solve

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// What an engine says in words alone, and nowhere else: BuildKit has no code or
// type for it. Why sources fail is read in internal/fetch.

// withoutScript is a failed step's message without the step's script, which it
// quotes whole.
func withoutScript(said string) string {
	if _, code, ok := strings.Cut(said, "did not complete successfully: "); ok {
		said = code
	}
	return strings.TrimPrefix(said, "failed to solve: ")
}

var exitText = regexp.MustCompile(`exit code: (\d+)`)

// saidCode is the exit code of a command, as engines before BuildKit 0.13 tell
// it; 0 for none.
func saidCode(said string) int {
	if m := exitText.FindStringSubmatch(said); m != nil {
		code, _ := strconv.Atoi(m[1])
		return code
	}
	return 0
}

// fullDisk reports whether a disk was full, the engine's or a step's.
func fullDisk(said string) bool {
	return strings.Contains(strings.ToLower(said), "no space left on device") || strings.Contains(said, "ENOSPC")
}

// noNetwork is what programs say that look for a server where there is no network:
// glibc and musl, curl and git, wget, apt, busybox, Node.js, Java, Rust and Go.
var noNetwork = regexp.MustCompile(`(?i)temporary failure (?:in name resolution|resolving)|name or service not known|network is unreachable` +
	`|could(?: not|n't) resolve (?:host|proxy|')|unable to resolve host|bad address '|EAI_AGAIN|UnknownHostException|failed to lookup address|no such host`)

// wantsNetwork reports whether a step's log tells of a network that it looked for.
func wantsNetwork(said string) bool { return noNetwork.MatchString(said) }

var fullPath = regexp.MustCompile(`write (\S+): no space left on device`)

// unwritten is the path that a full disk kept from being written, "" where none
// is named.
func unwritten(said string) string {
	if m := fullPath.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return ""
}

// givenUp reports whether a step's error says that the engine found its result
// elsewhere: the text that BuildKit's own progress display looks at.
func givenUp(said string) bool { return strings.HasSuffix(said, context.Canceled.Error()) }
