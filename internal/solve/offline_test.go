package solve_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/llb"
)

// lookups is what programs say in a step without a network.
var lookups = []string{
	"curl: (6) Could not resolve host: files.example",
	"fatal: unable to access 'https://git.example/x.git/': Could not resolve host: git.example",
	"ssh: Could not resolve hostname git.example: Temporary failure in name resolution",
	"wget: unable to resolve host address 'files.example'",
	"wget: bad address 'files.example'",
	"Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
	"W: Failed to fetch http://deb.example/InRelease  Temporary failure resolving 'deb.example'",
	"Err:1 http://deb.example Could not resolve 'deb.example'",
	"status_string: \"Couldn't resolve host name\"",
	"npm error getaddrinfo EAI_AGAIN npm.example",
	"connect: Network is unreachable",
	"java.net.UnknownHostException: files.example",
	"dns error: failed to lookup address information",
	"dial tcp: lookup go.example: no such host",
}

// adviceFor is the hints of a step that failed and logged this, with a network of
// its own or none.
func adviceFor(t *testing.T, log string, network bool) string {
	t.Helper()
	state := llb.Step{Component: "tool", Action: "compile", On: llb.Image("docker.io/library/debian@" + pin), Script: "make", Network: network}.Root()
	e := &solvetest.Engine{Fail: map[string][]error{compile: times(9, errors.New("exit code: 1"))}, Logs: map[string]string{compile: log}}
	s := on(t, e, solve.Settings{})
	_, err := s.One(t.Context(), job(state))
	s.end(t)
	return strings.Join(problem.Hints(err), "\n")
}

// A step that looked for a network is told that there is none, wherever in its log
// that stands.
func TestStepWithoutNetworkIsTold(t *testing.T) {
	t.Parallel()
	for _, line := range lookups {
		for _, log := range []string{line + "\n", line + strings.Repeat("\nmake: error", 100) + "\n"} {
			if got := adviceFor(t, log, false); !strings.HasPrefix(got, "steps have no network: ") || !strings.Contains(got, "source = { url = ") {
				t.Errorf("%q has the hint %q", line, got)
			}
		}
		if got := adviceFor(t, line+"\n", true); strings.Contains(got, "no network") {
			t.Errorf("a step with a network: %q", got)
		}
	}
	for _, log := range []string{"", "undefined reference to resolve_host", "could not resolve symbol main", "make: *** No rule to make target 'network'."} {
		if got := adviceFor(t, log, false); strings.Contains(got, "no network") {
			t.Errorf("%q has the hint %q", log, got)
		}
	}
}
