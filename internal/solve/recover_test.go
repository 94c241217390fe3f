package solve_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/solver/errdefs"
	digest "github.com/opencontainers/go-digest"
)

// A transient failure is tried again by a solve of its own, then the work once more.
func TestSourceComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{archive: times(2, errReset)}}
		s := on(t, e, solve.Settings{})
		from := time.Now()
		if _, err := s.One(t.Context(), job(tool())); err != nil {
			t.Error(err)
		}
		s.end(t)
		// The failed solve, two fetches by themselves, the work once more.
		if n := len(e.Options()); n != 4 || count(e.Solved(), archive) != 4 {
			t.Errorf("%d builds, %q", n, e.Solved())
		}
		if waited := time.Since(from); waited != 3*time.Second {
			t.Errorf("waited %s, want 1 s and 2 s", waited)
		}
		testkit.WantText(t, errors.New(s.told()), "tool: fetch "+archive+": read: connection reset by peer; trying again in 1s")
	})
}

func TestSourceIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{archive: times(99, errReset)}}
		s := on(t, e, solve.Settings{})
		_, err := s.One(t.Context(), job(tool()))
		s.end(t)
		testkit.WantText(t, err, "tool: fetch "+archive+": read: connection reset by peer (3 tries)", "hint: the connection was interrupted")
		if problem.ExitCode(err) != 75 || !errors.Is(err, errReset) || !errors.As(err, new(*errdefs.VertexError)) || !solve.IsStep(err) {
			t.Errorf("exit code %d, cause of %#v", problem.ExitCode(err), err)
		}
		if n := count(e.Solved(), archive); n != 3 {
			t.Errorf("asked %d times", n)
		}
	})
}

// What no other try would mend is asked for once, where there is no mirror.
func TestAbsentSourceIsAskedOnce(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Fail: map[string][]error{archive: times(99, errors.New("invalid response status 404"))}}
	s := on(t, e, solve.Settings{})
	j := job(tool())
	at := problem.Position{File: "components.toml", Line: 4, Col: 2}
	j.Place = func(of llb.Operation, address, _ string) solve.Origin {
		return solve.Origin{At: at, Subject: of.Component + " of " + address}
	}
	_, err := s.One(t.Context(), j)
	s.end(t)
	testkit.WantText(t, err, "components.toml:4:2: tool of "+archive+": fetch "+archive+": the server answers 404 Not Found", "hint: open the address in a browser")
	if n := count(e.Solved(), archive); n != 1 || problem.ExitCode(err) != 1 {
		t.Errorf("asked %d times, exit code %d", n, problem.ExitCode(err))
	}
}

var mirrors = []fetch.Mirror{{From: "https://files.example", To: []string{"https://one.example", "https://two.example"}},
	{From: "docker.io", To: []string{"hub.example", "docker.io"}}}

func TestNextMirror(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Fail: map[string][]error{"https://one.example/tool.zip": times(99, errors.New("invalid response status 404"))}}
	var allowed []string
	s := on(t, e, solve.Settings{Mirrors: mirrors, Allow: func(a string) { allowed = append(allowed, a) }})
	if _, err := s.One(t.Context(), job(tool())); err != nil {
		t.Error(err)
	}
	s.end(t)
	if count(e.Solved(), archive) > 0 || count(e.Solved(), "https://two.example/tool.zip") == 0 || !slices.Contains(e.Solved(), "docker-image://hub.example/library/debian@"+pin) {
		t.Errorf("asked %q", e.Solved())
	}
	if !slices.Contains(allowed, "https://two.example/tool.zip") {
		t.Errorf("allowed %q", allowed)
	}
	testkit.WantText(t, errors.New(s.told()), "tool: fetch https://one.example/tool.zip: the server answers 404 Not Found; trying https://two.example/tool.zip")
}

func TestNoMirrorGivesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{
			"https://one.example/tool.zip": times(99, errors.New("invalid response status 401")),
			"https://two.example/tool.zip": times(99, errors.New("invalid response status 503")),
		}}
		s := on(t, e, solve.Settings{Mirrors: mirrors})
		_, err := s.One(t.Context(), job(tool()))
		s.end(t)
		testkit.WantText(t, err, "tool: fetch "+archive+": no mirror has it\n  https://one.example/tool.zip: the server answers 401 Unauthorized\n"+
			"  https://two.example/tool.zip: the server answers 503 Service Unavailable (3 tries)", "~/.netrc", "hint: mirrors come from the site file")
		if problem.ExitCode(err) != 75 {
			t.Errorf("exit code %d", problem.ExitCode(err))
		}
	})
}

// Of a pinned archive the engine says only that the bytes are others.
func TestOtherBytes(t *testing.T) {
	t.Parallel()
	other := digest.FromString("other")
	mismatch := errors.New("failed to load cache key: digest mismatch " + other.String() + ": " + pin)
	for name, c := range map[string]struct {
		now   map[string]digest.Digest
		fail  error
		says  string
		tries int
	}{
		"another file":     {map[string]digest.Digest{archive: other}, nil, "the file is not the one that is pinned\n  expected " + pin + "\n  got      " + other.String(), 1},
		"an error page":    {nil, errors.New("invalid response status 404"), "the server answers 404 Not Found", 1},
		"cut off":          {map[string]digest.Digest{archive: pin}, nil, "the server first answered with an error or sent an incomplete file (3 tries)", 3},
		"too old to ask":   {nil, nil, "the server first answered with an error or sent an incomplete file", 1},
		"server in danger": {nil, errors.New("invalid response status 500"), "the server answers 500 Internal Server Error (3 tries)", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &solvetest.Engine{Sources: c.now, Fail: map[string][]error{archive: times(99, mismatch), "now " + archive: times(99, c.fail)}}
				s := on(t, e, solve.Settings{})
				_, err := s.One(t.Context(), job(tool()))
				s.end(t)
				testkit.WantText(t, err, "tool: fetch "+archive+": "+c.says)
				if n := count(e.Solved(), archive); n != c.tries {
					t.Errorf("fetched %d times, want %d", n, c.tries)
				}
			})
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{archive: times(99, errReset)}}
		s := on(t, e, solve.Settings{})
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the user's wish")
		time.AfterFunc(1500*time.Millisecond, func() { cancel(why) }) // within a wait
		_, err := s.One(ctx, job(tool()))
		s.end(t)
		if !errors.Is(err, why) || solve.IsStep(err) {
			t.Errorf("%v", err)
		}
		if solve.Join(ctx, errReset, nil).Error() != why.Error() || solve.Join(t.Context(), nil) != nil {
			t.Error("errors of a context that ended tell of more than that")
		}
	})
}

func TestStalledFetchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{archive: times(99, solvetest.ErrStalled)}}
		s := on(t, e, solve.Settings{Patience: 3 * time.Minute})
		from := time.Now()
		_, err := s.One(t.Context(), job(tool()))
		s.end(t)
		testkit.WantText(t, err, "tool: fetch "+archive+": not fetched within 3m0s", "hint: name a mirror that is faster")
		if took := time.Since(from).Round(time.Second); took != 3*time.Minute || problem.ExitCode(err) != 75 {
			t.Errorf("took %s, exit code %d", took, problem.ExitCode(err))
		}
		if strings.Count(s.told(), "still under way after") != 2 {
			t.Errorf("told %q", s.told())
		}
	})
}

// A command without a network is waited for, however long it takes.
func TestCommandsHaveTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{compile: {solvetest.ErrStalled}}}
		s := on(t, e, solve.Settings{Patience: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		if _, err := s.One(ctx, job(tool())); !errors.Is(err, context.Canceled) || ctx.Err() == nil {
			t.Error(err)
		}
		s.end(t)
	})
}

// The layers of an image are fetched when a step first needs them: the step
// fails, and the image is what is tried again.
func TestLazyImage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{compile: {errors.New("failed to copy: httpReadSeeker: unexpected EOF")}}}
		s := on(t, e, solve.Settings{})
		if _, err := s.One(t.Context(), job(tool())); err != nil {
			t.Error(err)
		}
		s.end(t)
		testkit.WantText(t, errors.New(s.told()), "base: fetch docker.io/library/debian@"+pin+": failed to copy: httpReadSeeker: unexpected EOF; trying again in 1s")
	})
}

// Of several images it is the one that the engine fetched the blob for.
func TestLazyImageAmongSeveral(t *testing.T) {
	t.Parallel()
	blob := digest.FromString("layer").String()
	second := "docker.io/library/ubuntu@" + pin
	state := llb.Step{Component: "tool", Action: "copy", On: tool(), Script: "cp", Inputs: []llb.Mount{{Target: "/other", State: llb.Image(second)}}}.Root()
	for name, fetches := range map[string][]string{"known": {blob}, "unknown": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &solvetest.Engine{Fetches: map[string][]string{"[base] " + second: fetches},
				Fail: map[string][]error{"[tool] copy": times(9, fmt.Errorf("failed to copy: %s: not found", blob))}}
			s := on(t, e, solve.Settings{})
			_, err := s.One(t.Context(), job(state))
			s.end(t)
			want := "tool: step [tool] copy failed: failed to copy"
			if fetches != nil {
				want = "base: fetch " + second + ": failed to copy: " + blob + ": not found"
			}
			testkit.WantText(t, err, want)
		})
	}
}

// repository is a state that fetches a repository at a commit of it.
func repository(component, address string) llb.State {
	source := llb.Input{Kind: llb.Git, Address: address, Pin: testkit.Commit}.Fetch(component, llb.Location{})
	return llb.Step{Component: component, Action: "copy", On: llb.Image("docker.io/library/debian@" + pin),
		Script: "cp", Inputs: []llb.Mount{{Target: "/src", State: source}}}.Root()
}

// A server that refuses a commit by itself is asked for the whole history, and so
// are its other repositories then; one that lacks the commit is not held to be
// such a server.
func TestCommitRefused(t *testing.T) {
	t.Parallel()
	const one, two = "git://git.example/one.git#" + testkit.Commit, "git://git.example/two.git#" + testkit.Commit
	refused := errors.New("git stderr:\nfatal: reference is not a tree: " + testkit.Commit)
	for name, c := range map[string]struct {
		fails  int // of the first repository
		says   string
		second string // as it is asked for then
	}{
		"refused": {1, "", two},
		"absent":  {9, "one: fetch https://git.example/one.git: the repository has no such commit", "alone " + two},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &solvetest.Engine{Fail: map[string][]error{"alone " + one: times(9, refused), one: times(c.fails-1, refused)}}
			s := on(t, e, solve.Settings{})
			_, err := s.One(t.Context(), job(repository("one", "https://git.example/one.git")))
			if (err != nil) != (c.says != "") {
				t.Errorf("%v", err)
			}
			if c.says != "" {
				testkit.WantText(t, err, c.says, "hint: check the commit")
			}
			if _, err := s.One(t.Context(), job(repository("two", "https://git.example/two.git"))); err != nil {
				t.Error(err)
			}
			s.end(t)
			testkit.WantText(t, errors.New(s.told()), "one: fetch https://git.example/one.git: the repository has no such commit; trying with the whole history")
			if n := count(e.Solved(), "alone "+one); n != 1 {
				t.Errorf("asked %d times for the commit by itself: %q", n, e.Solved())
			}
			if !slices.Contains(e.Solved(), c.second) {
				t.Errorf("the other repository was asked for as %q", e.Solved())
			}
		})
	}
}

// What is to be done about an unknown certificate authority depends on the
// engine: nothing of this machine's reaches another one.
func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	const id = "git://git.example/one.git#" + testkit.Commit
	git := errors.New("git stderr:\nfatal: unable to access 'https://git.example/one.git/': server certificate verification failed. CAfile: none CRLfile: none")
	file := errors.New(`Get "https://files.example/tool.zip": tls: failed to verify certificate: x509: certificate signed by unknown authority`)
	for _, c := range []struct {
		root  string
		state llb.State
		hint  string
	}{
		{"/root", repository("one", "https://git.example/one.git"), "hint: name the CA bundle that has the server's certificate authority: SSL_CERT_FILE"},
		{"", repository("one", "https://git.example/one.git"), "hint: this engine's git trusts only the certificate authorities of the engine's machine"},
		{"", tool(), "hint: the engine trusts only the certificate authorities of its own machine"},
	} {
		e := &solvetest.Engine{Fail: map[string][]error{"alone " + id: times(9, git), archive: times(9, file)}}
		s := on(t, e, solve.Settings{Root: c.root})
		_, err := s.One(t.Context(), job(c.state))
		s.end(t)
		testkit.WantText(t, err, "certificate", c.hint)
	}
}

// A large file with another checksum is not fetched again to be sure, and is not
// kept; what may be an error page is asked for once more.
func TestOtherBytesAreFetchedOnce(t *testing.T) {
	t.Parallel()
	other := digest.FromString("other")
	for size, asked := range map[int64]int{3 << 30: 0, 4096: 1} {
		e := &solvetest.Engine{Kept: map[string]int64{"http url " + archive: size}, Sources: map[string]digest.Digest{archive: other},
			Fail: map[string][]error{archive: times(9, errors.New("digest mismatch "+other.String()+": "+pin))}}
		s := on(t, e, solve.Settings{})
		_, err := s.One(t.Context(), job(tool()))
		s.end(t)
		testkit.WantText(t, err, "the file is not the one that is pinned\n  expected "+pin+"\n  got      "+other.String())
		if n := count(e.Solved(), "now "+archive); n != asked || count(e.Solved(), archive) != 1 {
			t.Errorf("of %d bytes: asked %d times again, want %d: %q", size, n, asked, e.Solved())
		}
		if want := "id==\"of http url " + archive + "\""; !slices.Contains(e.Pruned(), want) {
			t.Errorf("removed %q, want %q", e.Pruned(), want)
		}
	}
}

// Where nothing listens one more try is made, after a longer wait.
func TestRefusedIsTriedOnceMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New(`Get "https://files.example/tool.zip": dial tcp 127.0.0.1:1: connect: connection refused`)
		e := &solvetest.Engine{Fail: map[string][]error{archive: times(99, down)}}
		s := on(t, e, solve.Settings{})
		from := time.Now()
		_, err := s.One(t.Context(), job(tool()))
		s.end(t)
		testkit.WantText(t, err, "connection refused (2 tries)", "hint: nothing listens there")
		if took := time.Since(from); took != 5*time.Second || problem.ExitCode(err) != 75 {
			t.Errorf("took %s, exit code %d", took, problem.ExitCode(err))
		}
	})
}

// A server that says when it takes the next request is not asked before.
func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ asked, took time.Duration }{{7 * time.Second, 14 * time.Second}, {0, 3 * time.Second}, {time.Hour, 0}} {
			busy := errors.New("invalid response status 429")
			e := &solvetest.Engine{Fail: map[string][]error{archive: times(99, busy)}}
			var url string
			s := on(t, e, solve.Settings{After: func(_ context.Context, u string) time.Duration { url = u; return c.asked }})
			from := time.Now()
			_, err := s.One(t.Context(), job(tool()))
			s.end(t)
			testkit.WantText(t, err, "429 Too Many Requests", "hint: the server limits the rate of requests")
			if took := time.Since(from); took != c.took || url != archive {
				t.Errorf("asked to wait %s: took %s, want %s; %q was asked", c.asked, took, c.took, url)
			}
		}
	})
}

// A connection to this machine that the engine lost is made anew: for a step's
// secrets and for all else.
func TestLostSession(t *testing.T) {
	t.Parallel()
	lost := errors.New("failed to compute cache key: no active session for abc: context deadline exceeded")
	// What a run is told of a step that it waited for together with one that was killed.
	killed := errors.New("rpc error: code = Unavailable desc = error reading from server: rpc error: code = Canceled desc = context canceled")
	e := &solvetest.Engine{Fail: map[string][]error{compile: {lost, killed}}}
	s := on(t, e, solve.Settings{})
	if _, err := s.One(t.Context(), job(tool())); err != nil {
		t.Error(err)
	}
	s.end(t)
	testkit.WantText(t, errors.New(s.told()), "the engine lost its connection to this machine; trying again")
	e = &solvetest.Engine{Fail: map[string][]error{compile: times(99, lost)}}
	s = on(t, e, solve.Settings{})
	_, err := s.One(t.Context(), job(tool()))
	s.end(t)
	testkit.WantText(t, err, "tool: step [tool] compile failed", "no active session", "hint: the engine lost its connection")
	if problem.ExitCode(err) != 75 || strings.Contains(err.Error(), "solve again") || len(e.Options()) != 4 {
		t.Errorf("exit code %d after %d solves: %v", problem.ExitCode(err), len(e.Options()), err)
	}
}

// networked is a state with a step that installs packages.
func networked() llb.State {
	return llb.Step{Component: "python", Action: "install packages", On: llb.Image("docker.io/library/debian@" + pin), Script: "uv pip install x", Network: true}.Root()
}

// What installs packages has the time of a source: a server that sends a byte a
// second would keep it for days.
func TestStalledIndexEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{"[python] install packages": {solvetest.ErrStalled}}}
		s := on(t, e, solve.Settings{Patience: time.Minute})
		_, err := s.One(t.Context(), job(networked()))
		s.end(t)
		testkit.WantText(t, err, "python: step [python] install packages failed: not done within 1m0s", "; fetch the configured Python index", "hint: name a faster package index")
	})
}

func TestIndexIsNamed(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Fail: map[string][]error{"[python] install packages": {errors.New("exit code: 2")}},
		Logs: map[string]string{"[python] install packages": "error: Failed to download `tool==1.0`\n  cause: end of file before message length reached\n"}}
	s := on(t, e, solve.Settings{Index: "https://index.example/simple"})
	_, err := s.One(t.Context(), job(networked()))
	s.end(t)
	testkit.WantText(t, err, "python: step [python] install packages failed: exit code: 2; fetch https://index.example/simple", "hint: the package index, or a proxy on the way, has a problem")
	if problem.ExitCode(err) != 75 {
		t.Errorf("exit code %d", problem.ExitCode(err))
	}
}
