package fetch

import "regexp"

// What Go, git (with libcurl), containerd and uv say, and nobody else: there is
// no code or type for it on the way from an engine.
var (
	// passing is what another try may mend.
	passing = regexp.MustCompile(`(?i)unexpected eof|early eof|end of file before message|connection reset|broken pipe|i/o timeout|` +
		`tls handshake timeout|connection timed out|rpc failed|hung up unexpectedly|transfer closed with|unexpected disconnect|` +
		`timeout awaiting|client\.timeout exceeded|context deadline exceeded|(^|: )eof$|` +
		`returned error: (408|429|5\d\d)|\b(408|429|5\d\d) [a-z]+`)
	lost    = regexp.MustCompile(`no active session for|error reading from server: rpc error: code = Canceled`)
	trouble = regexp.MustCompile(`returned error: 5\d\d|\b5\d\d [A-Z][a-z]+`)
	busy    = regexp.MustCompile(`(?i)(error:|status) 429\b|too many requests|toomanyrequests`)
	refused = regexp.MustCompile(`(?i)connection refused|couldn't connect to server`)
	// corrupt is what git says of a pack that came damaged.
	corrupt = regexp.MustCompile(`(?i)index-pack|inflate|bad (pack|object|line length)|pack (has|is|signature)|protocol error|unpack-objects|sha1 collision|expected 'packfile'`)
	// foreign is what git says of an answer that is no repository's.
	foreign  = regexp.MustCompile(`is this a git repository\?|invalid server response|not valid: `)
	noGit    = regexp.MustCompile(`"git": executable file not found|git: not found`)
	noCommit = regexp.MustCompile(`not our ref|reference is not a tree`)
	// damaged is what Go says of a manifest that is none.
	damaged    = regexp.MustCompile(`unexpected end of JSON input|invalid character|not a valid manifest|encountered unknown type|failed size validation|content size of zero`)
	short      = regexp.MustCompile(`failed size validation|unexpected end of JSON input`)
	exited     = regexp.MustCompile(` ?: exit status \d+$`)
	mismatch   = regexp.MustCompile(`digest mismatch (?:for .*: )?(sha256:[0-9a-f]{64})`)
	wantsLogin = regexp.MustCompile(`\b401\b|could not read Username|Authentication failed|[Uu]nauthorized|insufficient_scope`)
	// untrusted is what Go and git, with each of its TLS libraries, say of a
	// certificate whose authority they do not know.
	untrusted = regexp.MustCompile(`certificate signed by unknown authority|certificate verification failed|SSL certificate problem`)
)

// interrupted reports whether an error is a transient one.
func interrupted(said string) bool { return passing.MatchString(said) || Lost(said) }

// Lost reports whether an engine has lost its connection to a client's machine,
// over which it asks for logins, secrets and files. It may be that of another run
// that was killed while both waited for one step.
func Lost(said string) bool { return lost.MatchString(said) }

// reaching is what to do about a server that was not reached.
func reaching(said string) string {
	switch {
	case refused.MatchString(said):
		return downHint
	case Lost(said):
		return lostHint
	case interrupted(said):
		return brokeHint
	}
	return reachHint
}
