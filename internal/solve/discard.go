package solve

import (
	"context"
	"slices"
	"strconv"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/urlutil"
)

// keeper is an engine that says what it keeps and removes it. BuildKit's
// *client.Client is one.
type keeper interface {
	DiskUsage(ctx context.Context, opts ...client.DiskUsageOption) ([]*client.UsageInfo, error)
	Prune(ctx context.Context, gone chan client.UsageInfo, opts ...client.PruneOption) error
}

// discard removes from the engine what came last from an address, and returns how
// large it was, in bytes; 0 where the engine does not say. BuildKit keeps what it
// fetched also when the checksum is another (source/http), by this description.
func (s *Session) discard(ctx context.Context, address string) int64 {
	k, can := s.engine.(keeper)
	if !can {
		return 0
	}
	kept, err := k.DiskUsage(ctx, client.WithFilter([]string{"description==" + strconv.Quote("http url "+urlutil.RedactCredentials(address))}))
	if err != nil || len(kept) == 0 {
		return 0
	}
	last := slices.MaxFunc(kept, func(a, b *client.UsageInfo) int { return a.CreatedAt.Compare(b.CreatedAt) })
	_ = k.Prune(ctx, nil, client.WithFilter([]string{"id==" + strconv.Quote(last.ID)})) // what stays is removed with the rest one day
	return last.Size
}
