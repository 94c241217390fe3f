package solve

import (
	"context"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"golang.org/x/sync/errgroup"
)

// Image solves the runtime packages and every component by itself before the
// whole: within one solve a failing component would cancel the others, and
// their work would be lost.
func (c *Client) Image(ctx context.Context, img assemble.Image) (*gateway.Result, error) {
	all := []llb.State{img.Root}
	for _, p := range img.Parts {
		all = append(all, p.Tested)
	}
	solved, err := c.all(ctx, all)
	if err != nil {
		return nil, err
	}
	c.warn(ctx, img, solved[1:])
	return c.State(ctx, img.State)
}

// all solves states at once, each to its end.
func (c *Client) all(ctx context.Context, states []llb.State) ([]*gateway.Result, error) {
	out, errs := make([]*gateway.Result, len(states)), make([]error, len(states))
	var group errgroup.Group
	for i, s := range states {
		group.Go(func() error {
			out[i], errs[i] = c.State(ctx, s)
			return nil
		})
	}
	_ = group.Wait()
	return out, Join(ctx, final(errs)...)
}

// In is the places of an image: that of the step's command or source, or else of
// its component; for the packages and the accounts of the whole image the target's.
func In(img assemble.Image) Place {
	return func(of llb.Operation, address, command string) Origin {
		out := Origin{Subject: of.Component}
		if of.Owner != llb.OfComponent && of.Owner != llb.OfTarget {
			return out
		}
		for _, p := range img.Parts {
			if p.Name == of.Component {
				return ofPart(p, address, command)
			}
		}
		if of.Owner == llb.OfTarget {
			out.At = img.At
		}
		return out
	}
}

func ofPart(p assemble.Part, address, command string) Origin {
	out := Origin{At: source(p, address), Subject: p.Name}
	out.Command, _ = p.Command(command)
	if out.Command.At.Line > 0 {
		out.At = out.Command.At
	}
	return out
}

func source(p assemble.Part, address string) problem.Position {
	for _, in := range p.Inputs {
		if in.At.Line > 0 && in.Address == address {
			return in.At
		}
	}
	return p.At
}
