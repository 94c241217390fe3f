// Package usage is what an engine keeps on its disk, and how to remove it.
package usage

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/moby/buildkit/client"
)

// DiskUsage is what an engine keeps on its disk.
type DiskUsage struct {
	Kinds       []KindUsage         `json:"kinds"`
	Total       int64               `json:"total"`             // bytes
	Reclaimable int64               `json:"reclaimable"`       // bytes that nothing uses now
	Records     []*client.UsageInfo `json:"records,omitempty"` // the largest first
}

// KindUsage is what an engine keeps of one kind.
type KindUsage struct {
	Kind        string `json:"kind"` // "regular", "source.local", "exec.cachemount", …
	Records     int    `json:"records"`
	Size        int64  `json:"size"`
	Reclaimable int64  `json:"reclaimable"`
}

// Engine keeps things on its disk. BuildKit's *client.Client is one.
type Engine interface {
	DiskUsage(ctx context.Context, opts ...client.DiskUsageOption) ([]*client.UsageInfo, error)
	Prune(ctx context.Context, gone chan client.UsageInfo, opts ...client.PruneOption) error
}

// Usage asks an engine what it keeps that the filters let through.
func Usage(ctx context.Context, e Engine, f Filters) (DiskUsage, error) {
	records, err := e.DiskUsage(ctx, client.WithFilter(f.expression()))
	if err != nil {
		return DiskUsage{}, fmt.Errorf("ask the engine for its disk usage: %w", err)
	}
	slices.Reverse(records)
	return summed(records), nil
}

func summed(records []*client.UsageInfo) DiskUsage {
	d := DiskUsage{Records: records, Kinds: []KindUsage{}}
	kinds := map[string]*KindUsage{}
	for _, r := range records {
		kind := cmp.Or(string(r.RecordType), string(client.UsageRecordTypeRegular))
		if kinds[kind] == nil {
			kinds[kind] = &KindUsage{Kind: kind}
		}
		k, free := kinds[kind], r.Size
		if r.InUse {
			free = 0
		}
		k.Records, k.Size, k.Reclaimable = k.Records+1, k.Size+r.Size, k.Reclaimable+free
		d.Total, d.Reclaimable = d.Total+r.Size, d.Reclaimable+free
	}
	for _, k := range kinds {
		d.Kinds = append(d.Kinds, *k)
	}
	slices.SortFunc(d.Kinds, func(a, b KindUsage) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Kind, b.Kind))
	})
	return d
}

// Prune is what to remove from an engine, and what to keep nevertheless.
type Prune struct {
	All          bool          // also what the engine and its frontends keep for themselves
	KeepStorage  int64         // bytes, of what was used last
	KeepDuration time.Duration // what was used within it stays
	Filters      Filters
}

// Run removes, and calls each for every record that is gone.
func (p Prune) Run(ctx context.Context, e Engine, each func(client.UsageInfo)) error {
	gone := make(chan client.UsageInfo)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r := range gone {
			each(r)
		}
	}()
	err := e.Prune(ctx, gone, p.options()...)
	close(gone)
	<-done
	if err != nil {
		return fmt.Errorf("remove data from the engine: %w", err)
	}
	return nil
}

func (p Prune) options() []client.PruneOption {
	keep := max(p.KeepDuration, p.Filters.Until)
	out := []client.PruneOption{client.WithKeepOpt(keep, p.KeepStorage, 0, 0), client.WithFilter(p.Filters.expression())}
	if p.All {
		out = append(out, client.PruneAll)
	}
	return out
}

// Filters choose records of an engine. A record has to pass all of them.
type Filters struct {
	Until time.Duration // only what was not used within it; 0 is any
	terms []string
}

// filterKeys are the fields an engine filters by; the value tells whether they
// are compared with something.
func filterKeys() map[string]bool {
	return map[string]bool{"id": true, "parents": true, "description": true, "type": true,
		"inuse": false, "mutable": false, "immutable": false, "shared": false, "private": false}
}

// ParseFilters reads "type=exec.cachemount", "id=…" and "description=…" (a part
// of it is enough), "description~=REGEXP", "until=24h" and the lone words inuse,
// mutable, immutable, shared and private.
func ParseFilters(given []string) (Filters, error) {
	var f Filters
	for _, g := range given {
		if err := f.add(g); err != nil {
			return f, fmt.Errorf("--filter %q: %w", g, err)
		}
	}
	return f, nil
}

func (f *Filters) add(s string) error {
	key, value, compared := strings.Cut(s, "=")
	key, pattern := strings.CutSuffix(key, "~")
	if key == "until" {
		d, err := time.ParseDuration(value)
		f.Until = d
		return err
	}
	takes, known := filterKeys()[key]
	if !known || takes != compared {
		return problem.Usagef("unknown filter").Hint("type=KIND, id=ID, description=TEXT, parents=ID, until=24h, inuse, mutable, immutable, shared or private")
	}
	f.terms = append(f.terms, term(key, value, pattern))
	return nil
}

// term is a filter as the engine takes it: == is equal, ~= matches.
func term(key, value string, pattern bool) string {
	switch {
	case value == "":
		return key
	case pattern:
		return key + "~=" + strconv.Quote(value)
	case key == "type":
		return key + "==" + strconv.Quote(value)
	}
	return key + "~=" + strconv.Quote(regexp.QuoteMeta(value))
}

func (f Filters) expression() []string {
	if len(f.terms) == 0 {
		return nil
	}
	return []string{strings.Join(f.terms, ",")}
}
