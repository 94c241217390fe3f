package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/medbuild/medbuild/internal/fetch"

	"github.com/medbuild/medbuild/internal/assemble"

	"github.com/moby/buildkit/solver/errdefs"
	digest "github.com/opencontainers/go-digest"
)

// StepError is a step that failed: whose it is, why, and what it said last.
type StepError struct {
	Component string
	Where     string   // of the component or target in the user's file
	Step      string   // "[mrtrix3] compile"
	Address   string   // of what a fetching step fetches, "" for others
	Source    string   // line of the stage that made the step
	Log       []string // its last lines
	Hint      string   // what the user can do about it
	Err       error

	digest   digest.Digest
	passing  bool   // another try may succeed
	asked    string // the address that was asked: a mirror's, or Address itself
	answered bool   // whoever was asked is well, but did not give this
	full     bool   // the engine's disk was full when it failed
}

// Error names component, step, cause, the last log lines and a hint.
func (e *StepError) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Where, e.Component} {
		if s != "" {
			b.WriteString(s + ": ")
		}
	}
	if e.Address != "" {
		fmt.Fprintf(&b, "fetch %s: %v", e.Address, e.Err)
	} else {
		fmt.Fprintf(&b, "step %s failed: %v", e.Step, e.Err)
	}
	if e.Source != "" {
		fmt.Fprintf(&b, "\nmade at %s", e.Source)
	}
	for _, l := range e.Log {
		fmt.Fprintf(&b, "\n  | %s", l)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "\nhint: %s", e.Hint)
	}
	return b.String()
}

// Unwrap is the cause.
func (e *StepError) Unwrap() error { return e.Err }

// failure is the engine's error as the step that failed, which is one of the
// graph's; any other error is left as it is.
func failure(err error, g graph) error {
	var vertex *errdefs.VertexError
	if !errors.As(err, &vertex) {
		return err
	}
	d := digest.Digest(vertex.Digest)
	op, meta, ok := g.find(d)
	if !ok {
		return err
	}
	step := meta.Description["llb.customname"]
	e := &StepError{Step: step, Component: component(step), Source: madeAt(err), digest: d, Err: cause(vertex)}
	if s := op.GetSource(); s != nil {
		e.Address = fetch.Address(s)
		e.asked = e.Address
	}
	return e
}

// cause is the step's own message: a command's whole script is no news.
func cause(err error) error {
	text := err.Error()
	if _, code, ok := strings.Cut(text, "did not complete successfully: "); ok {
		text = code
	}
	return errors.New(strings.TrimPrefix(text, "failed to solve: "))
}

func madeAt(err error) string {
	for _, s := range errdefs.Sources(err) {
		if s.Info != nil && len(s.Ranges) > 0 {
			return fmt.Sprintf("%s:%d", s.Info.Filename, s.Ranges[0].Start.Line)
		}
	}
	return ""
}

// explain completes the failed steps of a build with what the image's
// components and the record know of them. It is called once the solve has
// ended: then everything is recorded.
func (b *Builder) explain(err error, img assemble.Image) error {
	if err == nil {
		return nil
	}
	steps := failedSteps(err)
	if len(steps) == 0 {
		return b.noSpace(err)
	}
	var out []error
	for _, e := range steps {
		e.Where = where(e, img)
		e.Log = b.Progress.Record.Tail(e.digest)
		b.advise(e)
		out = append(out, e)
	}
	return errors.Join(out...)
}

// failedSteps is the steps that failed, each once: what two components stand on
// fails for both.
func failedSteps(err error) []*StepError {
	var out []*StepError
	seen := map[digest.Digest]bool{}
	for _, one := range flat(err) {
		var e *StepError
		if errors.As(one, &e) && !seen[e.digest] {
			seen[e.digest] = true
			out = append(out, e)
		}
	}
	return out
}

func flat(err error) []error {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range many.Unwrap() {
		out = append(out, flat(e)...)
	}
	return out
}

// where is the place of the step's source, or else of its component; for the
// packages and the accounts of the whole image that of the target.
func where(e *StepError, img assemble.Image) string {
	for _, p := range img.Parts {
		if p.Name != e.Component {
			continue
		}
		for _, in := range p.Inputs {
			if in.At.Line > 0 && in.Address == e.Address {
				return in.At.String()
			}
		}
		return p.At.String()
	}
	if e.Component == img.Name && img.At.Line > 0 {
		return img.At.String()
	}
	return ""
}

// advise adds a hint to a failed step that has none.
func (b *Builder) advise(e *StepError) {
	switch {
	case e.Hint != "":
	case e.full || fullDisk(e.Err.Error()+"\n"+strings.Join(e.Log, "\n")):
		e.Err = fmt.Errorf("%w (no space left on the disk of %s)", e.Err, b.disk())
		e.Hint = b.spaceHint()
	case strings.Contains(e.Err.Error(), "exit code: 137"):
		e.Hint = "the step was killed, most often for want of memory: try --jobs 1"
	case e.Address != "":
		e.Hint = "look whether the address is right and reachable from the engine"
	default:
		e.Hint = "--progress plain shows all that the step said"
	}
}

// noSpace says of an error that is no step's, such as an export's, whether a
// full disk is behind it.
func (b *Builder) noSpace(err error) error {
	if !fullDisk(err.Error()) || errors.As(err, new(outputFullError)) {
		return err
	}
	return fmt.Errorf("%w (no space left on the disk of %s)\nhint: %s", err, b.disk(), b.spaceHint())
}

func fullDisk(said string) bool {
	return strings.Contains(strings.ToLower(said), "no space left on device") || strings.Contains(said, "ENOSPC")
}

func (b *Builder) disk() string { return cmp.Or(b.Root, "the engine") }

func (b *Builder) spaceHint() string {
	if b.Root == "" {
		return "medbuild prune frees the engine's cache"
	}
	return "medbuild prune frees the engine's cache; MEDBUILD_ROOT=<folder> keeps it on another disk"
}

// joined is all errors but those that only tell of the cancelled context.
func joined(ctx context.Context, errs []error) error {
	err := errors.Join(errs...)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
