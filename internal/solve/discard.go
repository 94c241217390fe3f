package solve

import (
	"context"
	"slices"
	"strconv"

	"github.com/moby/buildkit/client"
)

// keeper is an engine that says what it keeps and removes it. BuildKit's
// *client.Client is one.
type keeper interface {
	DiskUsage(ctx context.Context, opts ...client.DiskUsageOption) ([]*client.UsageInfo, error)
	Prune(ctx context.Context, gone chan client.UsageInfo, opts ...client.PruneOption) error
}

// Kept is what the engine keeps that one of the filters, in BuildKit's own form,
// lets through; nothing where the engine does not say.
func (s *Session) Kept(ctx context.Context, filters ...string) []*client.UsageInfo {
	k, can := s.engine.(keeper)
	if !can {
		return nil
	}
	kept, err := k.DiskUsage(ctx, client.WithFilter(filters))
	if err != nil {
		return nil
	}
	return kept
}

// discard removes from the engine what came last from an address, and returns how
// large it was, in bytes; 0 where the engine does not say. BuildKit keeps what it
// fetched also when the checksum is another (source/http), by this description.
func (s *Session) discard(ctx context.Context, address string) int64 {
	k, can := s.engine.(keeper)
	if !can {
		return 0
	}
	kept := s.Kept(ctx, "description=="+strconv.Quote(keptAs(address)))
	if len(kept) == 0 {
		return 0
	}
	last := slices.MaxFunc(kept, func(a, b *client.UsageInfo) int { return a.CreatedAt.Compare(b.CreatedAt) })
	_ = k.Prune(ctx, nil, client.WithFilter([]string{"id==" + strconv.Quote(last.ID)})) // what stays is removed with the rest one day
	return last.Size
}
