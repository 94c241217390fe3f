package solve

import (
	"context"
	"strings"
	"time"

	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/urlutil"
	digest "github.com/opencontainers/go-digest"
)

// status takes in how far a step has come: BuildKit reports each blob of an image
// by its digest, with the bytes that are there (util/pull/pullprogress), and that
// it unpacks one (cache/refs.go).
func (r *Record) status(v *client.VertexStatus) {
	if strings.HasPrefix(v.ID, "extracting ") {
		r.opened[v.Vertex] = true
	}
	if !strings.HasPrefix(v.ID, "sha256:") {
		return
	}
	r.blobs[v.ID] = v.Vertex
	if v.Current <= 0 {
		return
	}
	if r.came[v.Vertex] == nil {
		r.came[v.Vertex] = map[string]int64{}
	}
	r.came[v.Vertex][v.ID] = max(r.came[v.Vertex][v.ID], v.Current)
}

// Files is what an engine keeps of the files that it fetched by their addresses.
type Files map[string]*client.UsageInfo

// keptURL begins the description of a file that BuildKit fetched (source/http).
const keptURL = "http url "

func keptAs(address string) string { return keptURL + urlutil.RedactCredentials(address) }

// KeptFiles asks an engine for the files that it keeps: no progress tells how
// many bytes the fetch of an address had. There is none where the engine does not
// say.
func (s *Session) KeptFiles(ctx context.Context) Files {
	out := Files{}
	for _, u := range s.Kept(ctx, `description~="^`+keptURL+`"`) {
		if old := out[u.Description]; old == nil || old.CreatedAt.Before(u.CreatedAt) {
			out[u.Description] = u
		}
	}
	return out
}

// Fetched is how many bytes the operations that one of all stands for fetched in
// a run: blobs of images, and files by address. What Git and the steps that run a
// package manager fetch is not known.
func (r *Record) Fetched(kept Files, all ...llb.Operation) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var total int64
	for d := range r.work {
		if r.within(d, all...) {
			total += r.fetched(d, kept)
		}
	}
	return total
}

func (r *Record) fetched(d digest.Digest, kept Files) int64 {
	var n int64
	for _, size := range r.came[d] {
		n += size
	}
	s, file := r.steps[d], kept[keptAs(r.from[d])]
	if s != nil && file != nil && s.ran() && !file.CreatedAt.Before(s.first()) {
		n += file.Size
	}
	return n
}

// first is when a step began to run.
func (s *Step) first() time.Time {
	out := s.spans[0].from
	for _, other := range s.spans {
		if other.from.Before(out) {
			out = other.from
		}
	}
	return out
}
