package build

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/medbuild/medbuild/stages"
	"github.com/moby/buildkit/solver/errdefs"
	digest "github.com/opencontainers/go-digest"
)

// StepError is a step that failed: whose it is, why, and what it said last.
type StepError struct {
	Component string
	Where     string   // of the component in the user's file
	Step      string   // "[mrtrix3] compile"
	Source    string   // line of the stage that made the step
	Log       []string // its last lines
	Err       error
}

// Error names component, step, cause and the last log lines.
func (e *StepError) Error() string {
	var b strings.Builder
	if e.Where != "" {
		fmt.Fprintf(&b, "%s: ", e.Where)
	}
	fmt.Fprintf(&b, "step %s failed: %v", e.Step, e.Err)
	if e.Source != "" {
		fmt.Fprintf(&b, "\nmade at %s", e.Source)
	}
	for _, l := range e.Log {
		fmt.Fprintf(&b, "\n  | %s", l)
	}
	return b.String()
}

// Unwrap is the cause.
func (e *StepError) Unwrap() error { return e.Err }

// explain finds the step behind each error of a build.
func (b *Builder) explain(err error, img stages.Image) error {
	var vertex *errdefs.VertexError
	if !errors.As(err, &vertex) {
		return err
	}
	d := digest.Digest(vertex.Digest)
	step, ok := b.Progress.Record.Step(d)
	if !ok {
		return err
	}
	e := &StepError{Step: step.Name, Log: b.Progress.Record.Tail(d), Err: cause(err, step), Source: madeAt(err)}
	e.Component, _, _ = strings.Cut(strings.TrimPrefix(step.Name, "["), "]")
	for _, p := range img.Parts {
		if p.Name == e.Component {
			e.Where = p.At.String()
		}
	}
	return e
}

// cause is the step's own message, without the layers of the engine's.
func cause(err error, s Step) error {
	if s.Error == "" {
		return err
	}
	return errors.New(s.Error)
}

func madeAt(err error) string {
	for _, s := range errdefs.Sources(err) {
		if s.Info != nil && len(s.Ranges) > 0 {
			return fmt.Sprintf("%s:%d", s.Info.Filename, s.Ranges[0].Start.Line)
		}
	}
	return ""
}

// joined is all errors but those that only tell of the cancelled context.
func joined(ctx context.Context, errs []error) error {
	err := errors.Join(errs...)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
