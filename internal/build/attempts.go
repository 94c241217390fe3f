package build

import (
	"slices"
	"sync"

	"github.com/medbuild/medbuild/internal/fetch"

	digest "github.com/opencontainers/go-digest"
)

// travels is how the sources of a run were fetched so far. The zero value is
// none. It is safe for concurrent use.
type travels struct {
	mu       sync.Mutex
	was      map[digest.Digest][]byte // sources as the stages wrote them, by what took their place
	failed   map[string][]*attempt    // by the address that the stages wrote
	failures map[string]int           // of a mirror
}

// attempt is a way on which a source could not be fetched.
type attempt struct {
	fetch.Route
	err     error
	hint    string
	passing bool
	tries   int
	open    bool // worth another try
}

// badMirror is the number of failures after which a mirror is asked last. One
// that gives no answer at all is asked last at once.
const badMirror = 3

// current is the way on which a source is fetched now, and whether it is one
// that has not failed. Mirrors that work come before those that do not.
func (t *travels) current(ways []fetch.Route, address string) (fetch.Route, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ways = slices.Clone(ways)
	slices.SortStableFunc(ways, func(a, b fetch.Route) int { return t.bad(a) - t.bad(b) })
	for _, w := range ways {
		if a := t.attempt(address, w.Address); a == nil || a.open {
			return w, true
		}
	}
	return ways[0], false
}

func (t *travels) bad(r fetch.Route) int { return min(t.failures[r.Mirror]/badMirror, 1) }

func (t *travels) attempt(address, at string) *attempt {
	for _, a := range t.failed[address] {
		if a.Address == at {
			return a
		}
	}
	return nil
}

// fail takes note of a source that could not be fetched on a way.
func (t *travels) fail(way fetch.Route, e *StepError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed, t.failures = map[string][]*attempt{}, map[string]int{}
	}
	a := t.attempt(e.Address, way.Address)
	if a == nil {
		a = &attempt{Route: way}
		t.failed[e.Address] = append(t.failed[e.Address], a)
	}
	a.err, a.hint, a.passing, a.open = e.Err, e.Hint, e.passing, false
	a.tries++
	if way.Mirror == "" {
		return
	}
	t.failures[way.Mirror]++
	if !e.answered {
		t.failures[way.Mirror] += badMirror
	}
}

// forgive opens the ways to a source whose failure may pass, if there are any.
func (t *travels) forgive(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	open := false
	for _, a := range t.failed[address] {
		a.open = a.passing
		open = open || a.open
	}
	return open
}

// attempts is the ways to a source that failed, as they stand now.
func (t *travels) attempts(address string) []attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []attempt
	for _, a := range t.failed[address] {
		out = append(out, *a)
	}
	return out
}

// count is how many ways failed so far.
func (t *travels) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, all := range t.failed {
		n += len(all)
	}
	return n
}

// original is the source as the stages wrote it, if another took its place.
func (t *travels) original(d digest.Digest) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	data, ok := t.was[d]
	return data, ok
}
