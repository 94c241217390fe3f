package usage

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"0": 0, "512": 512, "512B": 512, "10k": 10_000, "10kB": 10_000, "10GB": 10_000_000_000,
		"1.5GiB": 3 << 29, "1 MiB": 1 << 20, "2t": 2_000_000_000_000, "1mib": 1 << 20,
	} {
		if got, err := ParseSize(in); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "GB", "-1", "1x", "1bb", "1kk", "10 apples", "1i", "NaN", "inf", "9999999P"} {
		if got, err := ParseSize(in); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", in, got)
		}
	}
}

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

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 30_600_000_000: "30.6 GB", 1 << 62: "4.6 EB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
