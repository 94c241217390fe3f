package usage

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
)

func TestParseFilters(t *testing.T) {
	t.Parallel()
	f, err := ParseFilters([]string{"type=exec.cachemount", "description=a.b", "description~=^x", "inuse", "until=24h"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`type=="exec.cachemount",description~="a\\.b",description~="^x",inuse`}
	if got := f.expression(); !slices.Equal(got, want) || f.Until != 24*time.Hour {
		t.Errorf("filters are %q until %v, want %q", got, f.Until, want)
	}
	if (Filters{}).expression() != nil {
		t.Error("no filter is a filter")
	}
	for _, in := range []string{"", "size=3", "type", "inuse=1", "until=soon", "until"} {
		if _, err := ParseFilters([]string{in}); err == nil {
			t.Errorf("ParseFilters(%q) is no error", in)
		}
	}
}

func TestSummed(t *testing.T) {
	t.Parallel()
	d := summed([]*client.UsageInfo{
		{Size: 5, RecordType: client.UsageRecordTypeCacheMount},
		{Size: 7, RecordType: client.UsageRecordTypeRegular, InUse: true},
		{Size: 11},
	})
	want := []KindUsage{{"regular", 2, 18, 11}, {"exec.cachemount", 1, 5, 5}}
	if !slices.Equal(d.Kinds, want) || d.Total != 23 || d.Reclaimable != 16 {
		t.Errorf("%+v of %d, %d reclaimable; want %+v", d.Kinds, d.Total, d.Reclaimable, want)
	}
}

// disk is an engine that keeps some records, or fails.
type disk struct {
	records []*client.UsageInfo
	err     error
	filter  []string
	pruned  client.PruneInfo
}

func (d *disk) DiskUsage(_ context.Context, opts ...client.DiskUsageOption) ([]*client.UsageInfo, error) {
	var info client.DiskUsageInfo
	for _, o := range opts {
		o.SetDiskUsageOption(&info)
	}
	d.filter = info.Filter
	return d.records, d.err
}

func (d *disk) Prune(_ context.Context, gone chan client.UsageInfo, opts ...client.PruneOption) error {
	for _, o := range opts {
		o.SetPruneOption(&d.pruned)
	}
	for _, r := range d.records {
		gone <- *r
	}
	return d.err
}

func TestUsage(t *testing.T) {
	t.Parallel()
	d := &disk{records: []*client.UsageInfo{{ID: "small", Size: 1}, {ID: "large", Size: 2}}}
	u, err := Usage(t.Context(), d, Filters{terms: []string{"inuse"}})
	if err != nil || u.Total != 3 || u.Records[0].ID != "large" || !slices.Equal(d.filter, []string{"inuse"}) {
		t.Errorf("%+v, %v, filtered by %q", u, err, d.filter)
	}
	d.err = errors.New("gone")
	if _, err := Usage(t.Context(), d, Filters{}); !errors.Is(err, d.err) {
		t.Error(err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	d := &disk{records: []*client.UsageInfo{{ID: "a"}, {ID: "b"}}}
	var gone []string
	p := Prune{All: true, KeepStorage: 5, KeepDuration: time.Hour, Filters: Filters{Until: 2 * time.Hour, terms: []string{"private"}}}
	err := p.Run(t.Context(), d, func(r client.UsageInfo) { gone = append(gone, r.ID) })
	if err != nil || !slices.Equal(gone, []string{"a", "b"}) {
		t.Errorf("removed %q, %v", gone, err)
	}
	if !d.pruned.All || d.pruned.KeepDuration != 2*time.Hour || d.pruned.ReservedSpace != 5 || !slices.Equal(d.pruned.Filter, []string{"private"}) {
		t.Errorf("%+v", d.pruned)
	}
	d.err = errors.New("gone")
	if err := (Prune{}).Run(t.Context(), d, func(client.UsageInfo) {}); !errors.Is(err, d.err) {
		t.Error(err)
	}
}
