package solve

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// Origin is where in the user's file something is stated that failed.
type Origin struct {
	At      problem.Position
	Subject string        // whose it is
	Command stage.Command // of a step that runs several, the one that failed; the zero value is none
}

// Place is the origin of a component's step, or of the source that it fetches, or
// of the command that it ends with. address and command are "" where there is none.
type Place func(of llb.Operation, address, command string) Origin

// IsStep reports whether an error tells of a step that failed, and not of the
// engine or an export.
func IsStep(err error) bool { return errors.As(err, new(*failure)) }

// FullDisk is an error behind which a full disk is.
type FullDisk struct {
	Path  string // of what could not be written; "" when it is the engine's own
	cause error
}

// Error is the error without the disk.
func (e *FullDisk) Error() string { return e.cause.Error() }

// Unwrap is the error.
func (e *FullDisk) Unwrap() error { return e.cause }

// account tells the user what went wrong. It is made once the solves have ended:
// then everything is recorded.
type account struct {
	record *Record
	disk   disk
	debug  bool   // medbuild's own source is named too
	index  string // of Python packages
}

// problem is an error for the user: the steps that failed, completed with what
// is known of them.
func (a account) problem(err error, place Place) error {
	if err == nil {
		return nil
	}
	steps := failures(err)
	if len(steps) == 0 {
		return a.unstepped(err)
	}
	var out []error
	for _, f := range steps {
		out = append(out, a.step(f, place))
	}
	return errors.Join(out...)
}

func (a account) step(f *failure, place Place) *problem.Error {
	log := a.record.Tail(f.digest)
	from := Origin{Subject: f.of.Component}
	f, log = from.of(f, log, place)
	log, told := from.told(log)
	f = a.indexed(f, log)
	reason, hints := a.advise(f, log, told)
	shown := *f
	shown.Reason = reason
	p := &problem.Error{At: from.At, Subject: from.Subject, Class: classOf(f.Failure), Message: shown.Error(), Hints: hints, Cause: f}
	if a.debug && f.line != "" {
		p.Message += "\nmade at " + f.line
	}
	for _, l := range log {
		p.Message += "\n  | " + l
	}
	return p
}

// of finds out where a step is from. A command that the step says failed is named
// in the failure in place of the step's own exit code, and the log is without that
// line.
func (o *Origin) of(f *failure, log []string, place Place) (*failure, []string) {
	if place == nil {
		return f, log
	}
	end := max(0, len(log)-1)
	key, how, ok := stage.Ended(strings.Join(log[end:], ""))
	*o = place(f.of, f.address, key)
	if !ok || o.Command.Key == "" {
		return f, log
	}
	out := *f
	out.Reason = o.Command.Failed(how)
	return &out, log[:end]
}

// indexed is the failure with what uv said of a package index.
func (a account) indexed(f *failure, log []string) *failure {
	why, yes := fetch.Index(strings.Join(log, "\n"), a.index)
	if !yes || f.address != "" || len(f.Hints) > 0 {
		return f
	}
	out := *f
	why.Reason = f.Reason + "; " + why.Reason
	out.Failure = why
	return &out
}

// told takes the hints that a step's script gave out of what it logged. Those of a
// command, as git gives them, are its own.
func (o *Origin) told(log []string) (rest, hints []string) {
	if o.Command.Text != "" {
		return log, nil
	}
	for _, l := range log {
		if hint, ok := strings.CutPrefix(l, "hint: "); ok {
			hints = append(hints, hint)
			continue
		}
		rest = append(rest, l)
	}
	return rest, hints
}

// killed is the exit code of a command that was ended by SIGKILL.
const killed = 137

const offlineHint = `steps have no network: state what they fetch as source = { url = "…", sha256 = "…" }, and distribution packages as build_packages or runtime; ` +
	`submodules = true brings the submodules of a git source`

// advise is why a step failed and what to do about it.
func (a account) advise(f *failure, log, told []string) (reason string, hints []string) {
	switch {
	case f.Untrusted:
		return f.Reason, []string{a.disk.trust(f.git)}
	case len(f.Hints) > 0:
		return f.Reason, f.Hints
	case f.full || fullDisk(f.Reason+"\n"+strings.Join(log, "\n")):
		return a.disk.full(f.Reason), []string{a.disk.hint()}
	case f.code == killed:
		return f.Reason, []string{"the step was killed, most often because memory ran out: try --jobs 1"}
	case f.offline && wantsNetwork(a.record.Log(f.digest)):
		return f.Reason, []string{offlineHint}
	case len(told) > 0:
		return f.Reason, told
	case f.address != "":
		return f.Reason, []string{"check that the address is right and reachable from the engine"}
	}
	return f.Reason, []string{"--progress plain shows the whole output of the step"}
}

// unstepped is an error that is no step's, such as an export's, with the full
// disk or the lost engine that is behind it.
func (a account) unstepped(err error) error {
	// An error of this machine tells of its own disk.
	if fullDisk(err.Error()) && !errors.Is(err, syscall.ENOSPC) {
		return &problem.Error{Class: problem.Failed, Message: a.disk.full(err.Error()), Hints: []string{a.disk.hint()},
			Cause: &FullDisk{a.disk.foreign(err.Error()), err}}
	}
	if why, yes := fetch.Registry(err.Error()); yes {
		return &problem.Error{Class: classOf(why), Message: why.Reason, Hints: why.Hints, Cause: err}
	}
	if grpcerrors.Code(err) == codes.Unavailable || fetch.Lost(err.Error()) {
		return problem.As(problem.Transient, err)
	}
	return err
}

// classOf is Transient for what another run may mend.
func classOf(f fetch.Failure) problem.Class {
	if f.Transient || f.Slow {
		return problem.Transient
	}
	return problem.Failed
}

// trust is how the engine comes to know a certificate authority. Nothing of this
// machine's reaches another engine's machine.
func (d disk) trust(git bool) string {
	switch {
	case d != "":
		return "name the CA bundle that has the server's certificate authority: SSL_CERT_FILE=<file>"
	case git:
		return "this engine's git trusts only the certificate authorities of the engine's machine: install the certificate authority there, or build on an engine of medbuild's own (--engine child), whose git reads the bundle of SSL_CERT_FILE"
	}
	return "the engine trusts only the certificate authorities of its own machine: install the certificate authority there"
}

// disk is the folder that an engine of our own keeps its state in; "" for the
// disk of another engine.
type disk string

// foreign is the path that could not be written, unless it is the engine's own.
func (d disk) foreign(said string) string {
	path := unwritten(said)
	if d != "" && strings.HasPrefix(path, string(d)+"/") || strings.Contains(path, "/snapshots/") {
		return ""
	}
	return path
}

func (d disk) full(reason string) string {
	return fmt.Sprintf("%s (no space left on the disk of %s)", reason, cmp.Or(string(d), "the engine"))
}

func (d disk) hint() string {
	if d == "" {
		return "medbuild prune frees the engine's cache"
	}
	return "medbuild prune frees the engine's cache; MEDBUILD_ROOT=<folder> keeps it on another disk"
}
