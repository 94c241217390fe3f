package build

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// records is what an engine keeps, by id. What a record lies on are its parents:
// of a layer the one below it, of a difference the lower and the upper side, of a
// merge all that is merged (BuildKit, cache/manager.go).
type records map[string]*client.UsageInfo

// keptOf is the record of an image's merge with all that it lies on; nil where
// the engine does not say.
func keptOf(ctx context.Context, s *solve.Session, img assemble.Image) (records, *client.UsageInfo) {
	merge := llb.Operation{Owner: llb.OfTarget, Component: img.Name, Action: assemble.MergeAction}
	found := s.Kept(ctx, "description=="+strconv.Quote(merge.Name()))
	if len(found) == 0 {
		return nil, nil
	}
	top := slices.MaxFunc(found, func(a, b *client.UsageInfo) int { return used(a).Compare(used(b)) })
	all := records{top.ID: top}
	for next := top.Parents; len(next) > 0; {
		next = all.add(s.Kept(ctx, ids(next)...))
	}
	return all, top
}

func used(u *client.UsageInfo) time.Time {
	if u.LastUsedAt != nil {
		return *u.LastUsedAt
	}
	return u.CreatedAt
}

func ids(all []string) []string {
	var out []string
	for _, id := range all {
		out = append(out, "id=="+strconv.Quote(id))
	}
	return out
}

// add takes in records, and returns the ids of their parents that are missing.
func (r records) add(found []*client.UsageInfo) []string {
	for _, u := range found {
		r[u.ID] = u
	}
	var missing []string
	for _, u := range found {
		for _, id := range u.Parents {
			if r[id] == nil && !slices.Contains(missing, id) {
				missing = append(missing, id)
			}
		}
	}
	return missing
}

// occupied is how many bytes each row's layers take up on the engine's disk,
// blobs included; 0 where the engine does not say.
func (r records) occupied(top *client.UsageInfo, rows []Row) []int64 {
	out := make([]int64, len(rows))
	if top == nil || len(top.Parents) != merged(rows) {
		return out
	}
	id, over := top.Parents[0], top.Parents[1:]
	for i, row := range rows {
		if row.Layer && !row.root {
			out[i], over = r.whole(over[0]), over[1:]
		}
	}
	for i, row := range slices.Backward(rows) {
		switch u := r[id]; {
		case !row.root || u == nil:
		case i == 0:
			out[i] = r.whole(id)
		case len(u.Parents) != 1:
			return out
		default:
			out[i], id = u.Size, u.Parents[0]
		}
	}
	return out
}

// merged is how many states the rows' layers are merged from: those that are made
// on each other are one.
func merged(rows []Row) int {
	n := 1
	for _, row := range rows {
		if row.Layer && !row.root {
			n++
		}
	}
	return n
}

// whole is the bytes of a record with all that it lies on. A difference that the
// engine did not need by itself has no bytes of its own.
func (r records) whole(id string) int64 {
	u := r[id]
	switch {
	case u == nil:
		return 0
	case len(u.Parents) == 1:
		return u.Size + r.whole(u.Parents[0])
	case len(u.Parents) == 2 && u.Size == 0:
		return r.whole(u.Parents[1]) - r.whole(u.Parents[0])
	}
	return u.Size
}

// blobLabel begins the labels by which BuildKit finds the other forms of a layer's
// blob, such as one compressed in another way (cache/refs.go).
const blobLabel = "containerd.io/gc.ref.content.blob-"

// blobBytes is how many bytes the engine keeps of a layer's blobs, in all forms:
// it counts them among the bytes of the layer.
func blobBytes(ctx context.Context, blobs content.InfoProvider, layer digest.Digest) int64 {
	var total int64
	known := map[digest.Digest]bool{layer: true}
	for open := []digest.Digest{layer}; len(open) > 0; open = open[1:] {
		info, err := blobs.Info(ctx, open[0])
		if err != nil {
			continue // it is not kept
		}
		total += info.Size
		for label, other := range info.Labels {
			if d := digest.Digest(other); strings.HasPrefix(label, blobLabel) && !known[d] {
				known[d] = true
				open = append(open, d)
			}
		}
	}
	return total
}

// unpack gives each row the unpacked size of its layers.
func unpack(ctx context.Context, s *solve.Session, blobs content.InfoProvider, img assemble.Image, rows []Row) {
	all, top := keptOf(ctx, s, img)
	for i, size := range all.occupied(top, rows) {
		for _, l := range rows[i].layers {
			size -= blobBytes(ctx, blobs, l)
		}
		rows[i].Unpacked = max(0, size)
	}
}
