package solve

import (
	"time"

	digest "github.com/opencontainers/go-digest"
)

// pending is a step under way.
type pending struct {
	since  time.Time // by this machine's clock
	notice time.Duration
}

// runs takes note of whether a step is under way. It is called with the lock.
func (r *Record) runs(d digest.Digest, yes bool) {
	old := r.running[d]
	switch {
	case !yes:
		delete(r.running, d)
	case old == nil:
		r.running[d] = &pending{since: time.Now(), notice: firstNotice}
	}
}

// underWay is how long a step has run, 0 when it does not run or is no work, and
// whether it is time to say so.
func (r *Record) underWay(d digest.Digest) (taken time.Duration, notice bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.running[d]
	if _, known := r.work[d]; s == nil || !known {
		return 0, false
	}
	taken = time.Since(s.since)
	if taken < s.notice {
		return taken, false
	}
	s.notice *= 2
	return taken, true
}

// fetching is the step that fetched a blob, as the engine reported it.
func (r *Record) fetching(blob string) (digest.Digest, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.blobs[blob]
	return d, ok
}

// firstNotice is how long a fetch takes before the user hears that it goes on;
// after that each time as long again.
const firstNotice = time.Minute
