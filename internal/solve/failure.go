package solve

import (
	"errors"
	"fmt"

	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// failure is a step that failed, and what decides whether to try again.
type failure struct {
	fetch.Failure // of commands the reason alone

	digest    digest.Digest
	of        llb.Operation
	address   string // of what a fetching step fetches, as the stages wrote it; "" for others
	asked     string // the address that was asked: a mirror's, or address itself
	line      string // of the stage that made the step
	code      int    // that the command ended with
	networked bool   // a command that has a network: it installs packages
	offline   bool   // a command that has none
	python    bool   // a command that asks the Python index
	git       bool   // it fetches a repository
	alone     bool   // a repository's commit was asked for by itself
	full      bool   // the engine's disk was full when it failed
	cause     error  // the engine's
}

// Error is what failed and why.
func (f *failure) Error() string {
	if f.address != "" {
		return fmt.Sprintf("fetch %s: %s", f.address, f.Reason)
	}
	return fmt.Sprintf("step %s failed: %s", f.of.Name(), f.Reason)
}

// Unwrap is the engine's error.
func (f *failure) Unwrap() error { return f.cause }

// failure is the failure of one of the graph's steps; nil for others.
func (g graph) failure(d digest.Digest) *failure {
	op, meta, ok := g.find(d)
	if !ok {
		return nil
	}
	address := fetch.Address(op.GetSource())
	exec := op.GetExec()
	networked := exec != nil && exec.Network != pb.NetMode_NONE
	return &failure{networked: networked, offline: exec != nil && !networked, python: networked && fetch.AsksIndex(exec.Meta.GetArgs()), digest: d, of: llb.OperationOf(meta.Description), address: address, asked: address, git: fetch.IsGit(op.GetSource()), alone: fetch.IsAlone(op.GetSource())}
}

// index is the Python index that a command asks, "" when it asks none.
func (f *failure) index(at string) string {
	if f.python {
		return at
	}
	return ""
}

// tell takes what the engine told of a step: a command's whole script is no news.
func (f *failure) tell(step *errdefs.VertexError, whole error) {
	f.cause, f.line, f.code = whole, madeAt(whole), exitCode(step)
	f.Reason = withoutScript(step.Error())
}

// exitCode is the code that a step's command ended with, 0 when it did not end
// by itself. Engines before BuildKit 0.13 give it in words alone.
func exitCode(err error) int {
	var exit *gatewayapi.ExitError
	if errors.As(err, &exit) {
		return int(exit.ExitCode)
	}
	return saidCode(err.Error())
}

func madeAt(err error) string {
	for _, s := range errdefs.Sources(err) {
		if s.Info != nil && len(s.Ranges) > 0 {
			return fmt.Sprintf("%s:%d", s.Info.Filename, s.Ranges[0].Start.Line)
		}
	}
	return ""
}

// failures is the steps that failed, each once: what two components stand on
// fails for both.
func failures(err error) []*failure {
	var out []*failure
	seen := map[digest.Digest]bool{}
	for _, one := range problem.List(err) {
		var f *failure
		if errors.As(one, &f) && !seen[f.digest] {
			seen[f.digest] = true
			out = append(out, f)
		}
	}
	return out
}
