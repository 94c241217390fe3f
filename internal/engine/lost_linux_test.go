package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
)

// Our own engine that is killed in the middle of work is named with its log, and
// started again once in a run.
func TestKilledEngineIsRevived(t *testing.T) {
	s := newSite(t)
	e := s.find(s.options())
	defer s.close(e)
	err := s.killedAt(e)
	s.tells(err, problem.Transient, "medbuild's own buildkitd: exited unexpectedly (log: "+e.Log+")", "hint: the end of its log")
	for range 2 { // the second is a build beside the first, which ended with the same engine
		if err := e.Revive(t.Context(), err); err != nil {
			t.Fatal(problem.Text(err))
		}
	}
	if err := s.solve(t.Context(), e, "sleep", "0s"); err != nil {
		t.Error("after it was started again:", err)
	}
	if n := strings.Count(strings.Join(s.said, "\n"), "restarting it"); n != 1 {
		t.Errorf("the user was told %q", s.said)
	}
	err = e.Revive(t.Context(), s.killedAt(e))
	s.tells(err, problem.Transient, "for the second time in this run", "log: "+e.Log)
}

// killedAt kills the daemon while it runs a step, and returns what became of the
// step.
func (s *site) killedAt(e *Engine) error {
	s.Helper()
	duration, count := marked()
	ended := make(chan error, 1)
	go func() { ended <- s.solve(s.Context(), e, "sleep", duration) }()
	s.awaitStep(func() bool { return count() == 1 })
	if err := syscall.Kill(s.pid(), syscall.SIGKILL); err != nil {
		s.Fatal(err)
	}
	return <-ended
}

func (s *site) tells(err error, class problem.Class, texts ...string) {
	s.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(problem.Text(err), text) {
			s.Errorf("error lacks %q: %s", text, problem.Text(err))
		}
	}
	if problem.ClassOf(err) != class {
		s.Errorf("class %d of %v", problem.ClassOf(err), err)
	}
}

// Other errors, and the engines of others, are not ours to mend.
func TestNothingToRevive(t *testing.T) {
	t.Parallel()
	e, other := &Engine{Kind: System, Address: "unix:///x"}, errors.New("other")
	if err := e.Revive(t.Context(), other); !errors.Is(err, other) {
		t.Errorf("error is %v", err)
	}
	e.restart = func(context.Context) error { return errors.New("no memory") }
	if err := e.Revive(t.Context(), other); !errors.Is(err, other) {
		t.Errorf("error is %v", err)
	}
	if err := e.Revive(t.Context(), e.loss(0, other)); err == nil || !strings.Contains(err.Error(), "start it again: no memory") {
		t.Errorf("error is %v", err)
	}
}

// long skips what make test has no time for.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("MEDBUILD_TEST_LONG") == "" {
		t.Skip("takes minutes: make test-long runs it")
	}
}

// A daemon that is stopped, as a debugger or a full host does it, is noticed
// within 30 seconds, directly and through Docker's socket, and named.
func TestStoppedDaemonIsNoticed(t *testing.T) {
	long(t)
	s := newSite(t)
	own := s.find(s.options())
	defer s.close(own)
	pid := s.pid()
	duration, count := marked()
	type end struct {
		name string
		err  error
	}
	ends := make(chan end, 2)
	for name, e := range s.bothWays(own) {
		defer e.Close()
		go func() {
			ends <- end{name, s.solve(t.Context(), e, "sleep", duration)}
		}()
	}
	s.awaitStep(func() bool { return count() == 1 }) // both have the same
	time.Sleep(time.Second)
	from := time.Now()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e := <-ends
		t.Logf("%s noticed after %s: %v", e.name, time.Since(from), e.err)
		if took := time.Since(from); took > 30*time.Second {
			t.Errorf("%s took %s", e.name, took)
		}
		s.tells(e.err, problem.Transient, e.name, "has not answered for 15s")
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Error(err)
	}
}

// bothWays reaches a daemon by its socket and through Docker's, by the names
// that errors have for it.
func (s *site) bothWays(own *Engine) map[string]*Engine {
	s.Helper()
	out := map[string]*Engine{}
	for _, address := range []string{own.Address, "docker://" + s.dockerEngine(own)} {
		e, err := bareMachine(s.T, nil).find(s.Context(), Options{Address: address})
		if err != nil {
			s.Fatal(problem.Text(err))
		}
		out[e.name()] = e
	}
	return out
}

// A step that says nothing for 3 minutes goes on, directly and through Docker's
// socket.
func TestSilentStepGoesOn(t *testing.T) {
	long(t)
	s := newSite(t)
	own := s.find(s.options())
	defer s.close(own)
	ends := make(chan error, 2)
	for _, e := range s.bothWays(own) {
		defer e.Close()
		go func() { ends <- s.solve(t.Context(), e, "sleep", "180s") }()
	}
	for range 2 {
		if err := <-ends; err != nil {
			t.Error(problem.Text(err))
		}
	}
}

// slowPrune is an engine that prunes for 3 minutes without a word. Its server has
// the policy of buildkitd's own: gRPC's default one (cmd/buildkitd/main.go).
type slowPrune struct{ fakeControl }

// Prune removes nothing, slowly.
func (slowPrune) Prune(_ *control.PruneRequest, s control.Control_PruneServer) error {
	return pause(s.Context(), 3*time.Minute)
}

// A prune has no session, whose traffic would excuse pings.
func TestSilentPruneGoesOn(t *testing.T) {
	long(t)
	t.Parallel()
	f := fake{workers: 1, control: func(c fakeControl) control.ControlServer { return slowPrune{c} }}
	l := f.listen(t, "unix", filepath.Join(t.TempDir(), "b.sock"))
	engines := map[string]string{"direct": "unix://" + l.Addr().String(), "Docker": "docker://" + strings.TrimPrefix(dockerAPIOf(t, f, 200), "tcp://")}
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := bareMachine(t, nil).find(t.Context(), Options{Address: address})
			if err != nil {
				t.Fatal(problem.Text(err))
			}
			defer e.Close()
			if err := e.Prune(t.Context(), make(chan client.UsageInfo), client.PruneAll); err != nil {
				t.Error(problem.Text(err))
			}
		})
	}
}
