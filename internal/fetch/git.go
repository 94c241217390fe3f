package fetch

import "strings"

// git is why a repository could not be fetched, in one line.
func git(said string) Failure {
	if noCommit.MatchString(said) {
		return Failure{Reason: "the repository has no such commit", Absent: true,
			Hints: []string{"check the commit: a tag may have been moved, or a branch rewritten"}}
	}
	if _, text, ok := strings.Cut(said, "git stderr:\n"); ok {
		said = exited.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
	}
	f := Failure{Reason: said, Hints: []string{reaching(said)}, Transient: interrupted(said) || corrupt.MatchString(said)}
	switch {
	case noGit.MatchString(said):
		f.Hints = []string{"install git on the engine's machine"}
	case wantsLogin.MatchString(said):
		f.Hints, f.login = []string{"the server requires a login, or has no such repository: check the address, or add the host to ~/.netrc"}, true
	case redirects.MatchString(said):
		f.Hints = []string{loopHint}
	case busy.MatchString(said):
		f.Hints = []string{busyHint}
	case corrupt.MatchString(said):
		f.Hints = []string{"the data is damaged: the server, or a proxy on the way, has a problem; try again later, or name a mirror"}
	case foreign.MatchString(said):
		f.Hints = []string{proxyHint}
	case absent.MatchString(said):
		f.Hints = []string{"check the repository's address: it may have moved, or be private (then a login belongs in ~/.netrc)"}
	case trouble.MatchString(said):
		f.Hints = []string{"the server has a problem: try again later, or name a mirror of the repository"}
	}
	return f
}
