package solve

import (
	"slices"
	"time"

	"github.com/medbuild/medbuild/llb"
	digest "github.com/opencontainers/go-digest"
)

// Link is a step of a critical path.
type Link struct {
	Of   llb.Operation // of an export the action alone, in the engine's words
	Took time.Duration
}

// CriticalPath is the steps that decided how long a run took, in order: the one
// that ended last, before it the one of its inputs that it waited for longest,
// and so on. Where the graph names none, as for an export, it is what ended last
// before. Links below short are left out.
func (r *Record) CriticalPath(short time.Duration) []Link {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Link
	seen := map[digest.Digest]bool{}
	for at, ok := r.last(r.all(), seen, time.Time{}); ok; at, ok = r.before(at, seen) {
		seen[at.step] = true
		if took := at.to.Sub(at.from); took >= short {
			out = append(out, Link{r.operation(at.step), took})
		}
	}
	slices.Reverse(out)
	return out
}

// moment is a span of a step.
type moment struct {
	step digest.Digest
	span
}

func (r *Record) all() []digest.Digest {
	var out []digest.Digest
	for d := range r.steps {
		out = append(out, d)
	}
	return out
}

// prompt is how long an engine may take to begin a step whose inputs are there. One
// that began later waited for what no graph names: the target's own steps are
// solved when all components have told their versions.
const prompt = 2 * time.Second

// before is what a step waited for.
func (r *Record) before(m moment, seen map[digest.Digest]bool) (moment, bool) {
	if found, ok := r.last(r.waitedFor(m.step), seen, m.from); ok && m.from.Sub(found.to) <= prompt {
		return found, true
	}
	return r.last(r.all(), seen, m.from)
}

// last is the span of the steps that ended last, no later than by; a zero by is
// any time. Of several it is the one that began first, and then the one whose
// digest comes first.
func (r *Record) last(steps []digest.Digest, seen map[digest.Digest]bool, by time.Time) (out moment, ok bool) {
	for _, d := range steps {
		if seen[d] {
			continue
		}
		for _, s := range r.steps[d].spans {
			if m := (moment{d, s}); (by.IsZero() || !s.to.After(by)) && (!ok || out.less(m)) {
				out, ok = m, true
			}
		}
	}
	return out, ok
}

func (m moment) less(other moment) bool {
	if c := m.to.Compare(other.to); c != 0 {
		return c < 0
	}
	if c := m.from.Compare(other.from); c != 0 {
		return c > 0
	}
	return m.step > other.step
}

// waitedFor is a step's inputs that ran: in place of one that did not, such as a
// merge whose result was there, that one's own.
func (r *Record) waitedFor(d digest.Digest) []digest.Digest {
	var out []digest.Digest
	looked := map[digest.Digest]bool{}
	open := []digest.Digest{d}
	for len(open) > 0 {
		s := r.steps[open[0]]
		open = open[1:]
		if s == nil {
			continue
		}
		for _, in := range s.inputs {
			input := r.steps[in]
			switch {
			case looked[in] || input == nil:
			case len(input.spans) > 0:
				out = append(out, in)
			default:
				open = append(open, in)
			}
			looked[in] = true
		}
	}
	return out
}

// operation is what a step is: as the graphs that were solved say, or else by
// the engine's name for it.
func (r *Record) operation(d digest.Digest) llb.Operation {
	if of := r.of[d]; len(of) > 0 {
		return of[0]
	}
	return llb.Operation{Action: r.steps[d].Name}
}
