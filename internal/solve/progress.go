package solve

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
)

// Progress gathers the status of all solves of a run: one display shows them,
// one record keeps what the summary and the errors need.
type Progress struct {
	Record *Record

	out  chan *client.SolveStatus
	done chan error
	open sync.WaitGroup

	closed atomic.Bool
}

// NewProgress shows progress on w in the mode ("auto", "tty", "plain",
// "rawjson", "quiet"). Close ends it.
func NewProgress(ctx context.Context, w io.Writer, mode string) (*Progress, error) {
	display, err := progressui.NewDisplay(w, progressui.DisplayMode(mode))
	if err != nil {
		return nil, err
	}
	p := &Progress{Record: NewRecord(), out: make(chan *client.SolveStatus), done: make(chan error, 1)}
	go func() {
		// Not the run's context: what comes after a cancel is shown too.
		_, err := display.UpdateFrom(context.WithoutCancel(ctx), p.out)
		p.done <- err
	}()
	return p, nil
}

// channel is where one solve reports. The solve closes it; shown is closed once
// all of it is recorded. Once the display has
// ended, solves are recorded alone.
func (p *Progress) channel() (in chan *client.SolveStatus, shown <-chan struct{}) {
	in = make(chan *client.SolveStatus)
	done := make(chan struct{})
	p.open.Add(1)
	go func() {
		defer p.open.Done()
		defer close(done)
		for s := range in {
			p.Record.Add(s)
			if !p.closed.Load() {
				p.out <- short(s)
			}
		}
	}()
	return in, done
}

// short is a status whose failed steps do not quote their scripts: what the display
// shows in the end would be lost among them.
func short(s *client.SolveStatus) *client.SolveStatus {
	out := *s
	out.Vertexes = slices.Clone(s.Vertexes)
	for i, v := range out.Vertexes {
		if v.Error != "" {
			changed := *v
			changed.Error = withoutScript(v.Error)
			out.Vertexes[i] = &changed
		}
	}
	return &out
}

// Close waits until everything is shown. All solves must have ended; later ones
// are not shown.
func (p *Progress) Close() error {
	p.open.Wait()
	p.closed.Store(true)
	close(p.out)
	return <-p.done
}
