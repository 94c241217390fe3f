package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"

	// Each of these teaches the client one more kind of address.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/npipe"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
)

// errCannotMerge is the probe's answer for a BuildKit without merge and diff.
var errCannotMerge = errors.New("answers, but cannot merge layers (BuildKit's MergeOp and DiffOp)")

// openRemote connects to a buildkitd that somebody else runs and probes it.
func openRemote(ctx context.Context, kind Kind, address string, t TLS) (*Engine, error) {
	t, err := t.files()
	if err != nil {
		return nil, err
	}
	p := newPulse()
	c, err := client.New(ctx, address, append(t.options(address), p.listen())...)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	err = explained(ctx, address, t, probe(ctx, c, patience(address)))
	if errors.Is(err, errCannotMerge) {
		err = problem.Hinted(err, "give --engine the address of a buildkitd %s or newer", strings.TrimPrefix(Oldest, "v"))
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return opened(&Engine{Kind: kind, Address: address, Client: c}, p), nil
}

// patience is how long an engine may take to answer the first time: a command
// such as ssh or kubectl has to log in before it carries anything.
func patience(address string) time.Duration {
	if strings.HasPrefix(address, "unix://") {
		return 5 * time.Second
	}
	if strings.HasPrefix(address, "tcp://") {
		return 10 * time.Second
	}
	return 30 * time.Second
}

// probe asks an engine whether it has a worker and can merge. Capabilities are
// only told to a build, so it opens an internal one (kept out of the engine's
// history) that solves nothing.
func probe(ctx context.Context, c *client.Client, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var answer error
	_, err := c.Build(ctx, client.SolveOpt{Internal: true}, "medbuild",
		func(_ context.Context, g gateway.Client) (*gateway.Result, error) {
			answer = canMerge(g.BuildOpts())
			return nil, nil
		}, nil)
	if ctx.Err() != nil && err != nil {
		return problem.New(problem.Transient, "no answer within %s: %w", limit, err)
	}
	if err != nil {
		return problem.New(classOf(err), "does not answer: %w", err)
	}
	if answer != nil {
		return answer
	}
	return checkVersion(ctx, c)
}

// passing is what is said, as text alone, of an engine that may be there in a
// moment: one that is being started, or a network in trouble.
var passing = regexp.MustCompile(`connection refused|connection reset|broken pipe|i/o timeout|EOF`)

func classOf(err error) problem.Class {
	if passing.MatchString(err.Error()) {
		return problem.Transient
	}
	return problem.Failed
}

func canMerge(o gateway.BuildOpts) error {
	if len(o.Workers) == 0 {
		return errors.New("answers, but has no workers")
	}
	if o.LLBCaps.Supports(pb.CapMergeOp) != nil || o.LLBCaps.Supports(pb.CapDiffOp) != nil {
		return errCannotMerge
	}
	return nil
}
