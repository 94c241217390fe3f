package solve_test

import (
	"context"
	"errors"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// mortal is an engine that ends in its first builds, and may come again.
type mortal struct {
	*solvetest.Engine
	deaths, lives int
	revived       int
}

var errDied = problem.New(problem.Transient, "the engine ended")

// Build is the engine's, unless it ends.
func (m *mortal) Build(ctx context.Context, opt client.SolveOpt, product string, run gateway.BuildFunc, status chan *client.SolveStatus) (*client.SolveResponse, error) {
	if m.deaths == 0 {
		return m.Engine.Build(ctx, opt, product, run, status)
	}
	m.deaths--
	close(status)
	return nil, errDied
}

// Revive brings it back as long as it has lives.
func (m *mortal) Revive(_ context.Context, err error) error {
	if !errors.Is(err, errDied) || m.lives == 0 {
		return err
	}
	m.lives--
	m.revived++
	return nil
}

// What an engine ended with is done again on the engine that took its place,
// but for what may have had effects.
func TestLostEngine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deaths, lives int
		once          bool
		revived       int
		want          string // "": it is done
	}{
		"comes again":       {1, 1, false, 1, ""},
		"ends again":        {2, 1, false, 1, "the engine ended"},
		"is not ours":       {1, 0, false, 0, "the engine ended"},
		"had begun to work": {1, 1, true, 0, "the engine ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &mortal{Engine: &solvetest.Engine{}, deaths: c.deaths, lives: c.lives}
			s := on(t, m, solve.Settings{})
			work := job(tool())
			work.Once = c.once
			_, err := s.One(t.Context(), work)
			s.end(t)
			if (err == nil) != (c.want == "") || m.revived != c.revived || (count(m.Solved(), archive) > 0) != (err == nil) {
				t.Errorf("error %v, revived %d times, solved %q", err, m.revived, m.Solved())
			}
			if err != nil {
				testkit.WantText(t, err, c.want)
			}
			if err != nil && problem.ClassOf(err) != problem.Transient {
				t.Errorf("class %d", problem.ClassOf(err))
			}
		})
	}
}

// The words of the engine count, not those that the work failed with.
func TestLostEngineInItsWords(t *testing.T) {
	t.Parallel()
	m := &dyingLate{Engine: &solvetest.Engine{}}
	s := on(t, m, solve.Settings{})
	_, err := s.One(t.Context(), solve.Job{Work: func(context.Context, *solve.Client) (*gateway.Result, error) {
		return nil, errors.New("error reading from server: EOF")
	}})
	s.end(t)
	if !errors.Is(err, errDied) {
		t.Errorf("error is %v", err)
	}
}

// dyingLate ends after the work of a build.
type dyingLate struct{ *solvetest.Engine }

// Build runs the work and tells of the end.
func (d *dyingLate) Build(ctx context.Context, opt client.SolveOpt, product string, run gateway.BuildFunc, status chan *client.SolveStatus) (*client.SolveResponse, error) {
	_, _ = d.Engine.Build(ctx, opt, product, run, status)
	return nil, errDied
}
