package solve

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/moby/buildkit/client"
)

// caches is which caches a run still reads, and what was said of them. It is safe
// for concurrent use.
type caches struct {
	mu   sync.Mutex
	gone map[string]bool // by name: not read any more
	told map[string]bool // notices
}

// imports is the caches that are still read.
func (s *Session) imports() []client.CacheOptionsEntry {
	s.caches.mu.Lock()
	defer s.caches.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.Imports), func(e client.CacheOptionsEntry) bool { return s.caches.gone[cacheName(e)] })
}

// CacheNames is the names of caches for people, such as the references of those in
// registries.
func CacheNames(all []client.CacheOptionsEntry) string {
	var names []string
	for _, e := range all {
		names = append(names, cacheName(e))
	}
	return strings.Join(names, ", ")
}

// cacheName is what the engine calls a cache in a registry, and else its type.
func cacheName(e client.CacheOptionsEntry) string {
	if ref := e.Attrs["ref"]; e.Type == "registry" && ref != "" {
		return ref
	}
	return "of type " + e.Type
}

// drop has caches not read any more in this run, and says once why.
func (s *Session) drop(why string, names ...string) {
	s.caches.mu.Lock()
	for _, n := range names {
		s.caches.gone[n] = true
	}
	s.caches.mu.Unlock()
	s.once("cache " + strings.Join(names, ", ") + " is not read: " + why)
}

func (s *Session) once(notice string) {
	s.caches.mu.Lock()
	again := s.caches.told[notice]
	s.caches.told[notice] = true
	s.caches.mu.Unlock()
	if !again {
		s.sources.say(notice)
	}
}

// stale is the error of a solve that counted on a cache which lacks a layer. The
// engine took the cache's word for it and first fetched it when it was wanted;
// without the cache it makes the layer itself.
type stale struct{ error }

// Unwrap is the error itself.
func (s stale) Unwrap() error { return s.error }

// IsStale reports whether an error is that of a cache which lacks what it lists.
// The cache is not read any more: the whole work is to be done again.
func IsStale(err error) bool { return errors.As(err, new(stale)) }

// staleFor is err as stale, where a solve with these caches ended with it because
// of one of them, else nil. An image's layer that is missing looks the same, and
// is found out in the next solve.
func (s *Session) staleFor(ctx context.Context, read []client.CacheOptionsEntry, err error) error {
	if err == nil || ctx.Err() != nil || len(read) == 0 || IsStale(err) {
		return nil
	}
	said := err
	if f := (*failure)(nil); errors.As(err, &f) {
		said = f.cause
	}
	why, yes := fetch.Blob(said.Error())
	if !yes {
		return nil
	}
	var names []string
	for _, e := range read {
		names = append(names, cacheName(e))
	}
	s.drop(why+"; building again without it", names...)
	return stale{err}
}

// The steps in which the engine reads and writes caches (BuildKit,
// solver/llbsolver/bridge.go, and Name of the exporters below cache/remotecache).
// What goes wrong in the first is no error of a build, and in the second none
// with ignore-error=true.
var (
	reading = regexp.MustCompile(`^importing cache manifest from (\S+)$`)
	writing = regexp.MustCompile(`^exporting (?:content |inline )?(?:cache|to GitHub Actions Cache)`)
)

// missed says which caches could not be read. They are not asked again. Of those
// that could not be written it says so in a build that succeeded.
func (s *Session) missed(succeeded bool) {
	for _, m := range s.Progress.Record.cacheMisses() {
		why := m.Error
		if f, yes := fetch.Registry(m.Error); yes {
			why = f.Reason
		}
		switch name := reading.FindStringSubmatch(m.Name); {
		case name != nil:
			s.drop(why, s.known(name[1]))
		case succeeded:
			s.once("the cache was not written: " + why)
		}
	}
}

// known is the name of a cache that the engine named.
func (s *Session) known(name string) string {
	kind, _, _ := strings.Cut(name, ":")
	for _, e := range s.Imports {
		if e.Type == kind && e.Attrs["ref"] != name {
			return cacheName(e)
		}
	}
	return name
}
