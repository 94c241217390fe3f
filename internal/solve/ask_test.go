package solve_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

// look is a question about a base, its image and its facts.
func look() base.Question {
	state := base.Probe("trixie", llb.Image("docker.io/library/debian@"+pin))
	return base.Question{At: problem.Position{File: "f", Line: 5, Col: 8}, Subject: "base trixie", State: &state, File: "facts",
		Image: "debian@" + pin}
}

func baseEngine() *solvetest.Engine {
	return &solvetest.Engine{Files: map[string]string{"facts": "release=13\n"}, Fail: map[string][]error{},
		Images: map[string]solvetest.Image{"docker.io/library/debian@" + pin: {Digest: pin, Config: []byte("{}")}}}
}

func TestAskBase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := baseEngine()
		e.Fail["docker-image://docker.io/library/debian@"+pin] = []error{errReset}
		e.Fail["now docker-image://docker.io/library/debian@"+pin] = []error{errReset}
		s := on(t, e, solve.Settings{})
		a, err := s.Ask(t.Context(), look())
		s.end(t)
		if err != nil || string(a.File) != "release=13\n" || a.Digest != pin || string(a.Config) != "{}" {
			t.Errorf("%+v, %v", a, err)
		}
		if !strings.Contains(s.told(), "trying again in 1s") {
			t.Error(s.told())
		}
	})
}

func TestAskBaseFromMirror(t *testing.T) {
	t.Parallel()
	e := baseEngine()
	e.Fail["now docker-image://hub.example/library/debian@"+pin] = times(9, errors.New("hub.example/library/debian: not found"))
	s := on(t, e, solve.Settings{Mirrors: mirrors})
	a, err := s.Ask(t.Context(), base.Question{Image: "debian@" + pin})
	s.end(t)
	if err != nil || a.Digest != pin || a.File != nil {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAskBaseFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail map[string][]error
		ask  func(*base.Question)
		says string
	}{
		"a step":   {map[string][]error{"[base] look at trixie": times(9, errors.New("exit code: 1"))}, nil, "f:5:8: base trixie: step [base] look at trixie failed: exit code: 1"},
		"absent":   {map[string][]error{"now docker-image://docker.io/library/debian@" + pin: times(9, errors.New("not found"))}, nil, "f:5:8: base trixie: fetch docker.io/library/debian@" + pin + ": not found"},
		"no file":  {nil, func(q *base.Question) { q.File = "other" }, "f:5:8: base trixie: other: no such file"},
		"a layout": {map[string][]error{"now oci-layout://docker.io/library/x@" + pin: times(9, errors.New("no such store"))}, func(q *base.Question) { q.Layout, q.Image = "base-x", "x@"+pin }, "f:5:8: base trixie: read the image configuration of x@" + pin + ": no such store"},
		"no name":  {map[string][]error{"now docker-image://BAD": times(9, errors.New("invalid reference"))}, func(q *base.Question) { q.Image = "BAD" }, "fetch BAD: invalid reference"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, q := baseEngine(), look()
			if c.fail != nil {
				e.Fail = c.fail
			}
			if c.ask != nil {
				c.ask(&q)
			}
			s := on(t, e, solve.Settings{})
			_, err := s.Ask(t.Context(), q)
			s.end(t)
			testkit.WantText(t, err, c.says)
		})
	}
}
