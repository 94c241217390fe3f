package usage

import (
	"slices"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
)

func TestParseSize(t *testing.T) {
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
