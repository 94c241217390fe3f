package fetch

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Attempts is how the sources of a run were asked for so far, and where to ask
// next. It is safe for concurrent use.
type Attempts struct {
	mirrors []Mirror

	mu       sync.Mutex
	failed   map[string][]*attempt // by the address that the stages wrote
	failures map[string]int        // of a mirror
	whole    map[string]bool       // hosts that refuse a commit by itself
}

// attempt is a way on which a source could not be fetched.
type attempt struct {
	Route
	Failure
	tries int
	open  bool // worth another try
}

// badMirror is the number of failures after which a mirror is asked last. One
// that gives no answer at all is asked last at once.
const badMirror = 3

// NewAttempts is none so far. The first of the mirrors is the preferred one.
func NewAttempts(mirrors []Mirror) *Attempts {
	return &Attempts{mirrors: mirrors, failed: map[string][]*attempt{}, failures: map[string]int{}, whole: map[string]bool{}}
}

// Mirrored reports whether a source is fetched from mirrors.
func (a *Attempts) Mirrored(address string) bool { return Routes(a.mirrors, address)[0].Mirror != "" }

// Next is where a source is to be fetched from, and whether it is a place that
// has not failed. Mirrors that work come before those that do not.
func (a *Attempts) Next(address string) (at string, fresh bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ways := Routes(a.mirrors, address)
	slices.SortStableFunc(ways, func(x, y Route) int { return a.bad(x) - a.bad(y) })
	for _, w := range ways {
		if t := a.attempt(address, w.Address); t == nil || t.open {
			return w.Address, true
		}
	}
	return ways[0].Address, false
}

func (a *Attempts) bad(r Route) int { return min(a.failures[r.Mirror]/badMirror, 1) }

func (a *Attempts) attempt(address, at string) *attempt {
	for _, t := range a.failed[address] {
		if t.Address == at {
			return t
		}
	}
	return nil
}

// Fail takes note of a source that could not be fetched from a place.
func (a *Attempts) Fail(address, at string, f Failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.attempt(address, at)
	if t == nil {
		t = &attempt{Route: a.route(address, at)}
		a.failed[address] = append(a.failed[address], t)
	}
	t.Failure, t.open = f, false
	t.tries++
	if t.Mirror == "" {
		return
	}
	a.failures[t.Mirror]++
	if !f.Answered {
		a.failures[t.Mirror] += badMirror
	}
}

// route is the way to a source on which a place lies.
func (a *Attempts) route(address, at string) Route {
	for _, w := range Routes(a.mirrors, address) {
		if w.Address == at {
			return w
		}
	}
	return Route{Address: at}
}

// Reopen lets a source be asked for again where the failure was transient. It
// is false when there is no such place.
func (a *Attempts) Reopen(address string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	open := false
	for _, t := range a.failed[address] {
		t.open = t.Transient
		open = open || t.open
	}
	return open
}

// Alone reports whether the host of a repository is asked for a commit by itself,
// without the history that led to it.
func (a *Attempts) Alone(at string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.whole[Host(at)]
}

// Refuse takes note of whether a host refuses commits by themselves, for all of
// its repositories.
func (a *Attempts) Refuse(at string, refuses bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.whole[Host(at)] = refuses
}

// Count is how many places failed to give a source so far.
func (a *Attempts) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, all := range a.failed {
		n += len(all)
	}
	return n
}

// Out is the failure of a source that is out of attempts, with what was tried.
// last is the last of its failures.
func (a *Attempts) Out(address string, last Failure, tries int) Failure {
	if !a.Mirrored(address) {
		last.Reason = times(last.Reason, tries)
		return last
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	out := Failure{Reason: "no mirror has it"}
	var logins []string
	for _, t := range a.failed[address] {
		out.Reason += fmt.Sprintf("\n  %s: %s", t.Address, strings.ReplaceAll(times(t.Reason, t.tries), "\n", "\n  "))
		out.Transient = out.Transient || t.Transient
		out.Slow = out.Slow || t.Slow
		out.Untrusted = out.Untrusted || t.Untrusted
		if t.login && len(logins) == 0 {
			logins = t.Hints
		}
	}
	out.Hints = append(slices.Clone(logins), "mirrors come from the site file and --mirror; list the original address as a mirror to try it too")
	return out
}

func times(reason string, tries int) string {
	if tries < 2 {
		return reason
	}
	return fmt.Sprintf("%s (%d tries)", reason, tries)
}
