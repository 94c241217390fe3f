// Package fetch knows why a source could not be fetched, and what to ask
// instead. It asks nothing itself.
package fetch

import (
	"slices"
	"strings"
)

// Mirror says what to fetch from in place of addresses that begin with From.
type Mirror struct {
	From     string   // https://files.example.org/tools, or an image's name or its beginning: docker.io/library
	To       []string // what takes the place of From, the preferred first
	Insecure bool     // credentials may go over plain http to it
}

// match is the address on each of the mirrors, if From is the beginning of the
// address: all of it, or up to a border between its parts.
func (m Mirror) match(address string) ([]Route, bool) {
	from := strings.TrimRight(m.From, "/")
	rest, ok := strings.CutPrefix(address, from)
	switch {
	case !ok:
		return nil, false
	case strings.HasSuffix(from, ":"): // git@host:
		rest = "/" + rest
	case rest != "" && !strings.ContainsAny(rest[:1], "/:@?#"):
		return nil, false
	}
	var out []Route
	for _, to := range m.To {
		to = strings.TrimRight(to, "/")
		out = append(out, Route{Address: to + rest, Mirror: to})
	}
	return out, true
}

// Route is one way to a source.
type Route struct {
	Address string
	Mirror  string // what took From's place; "" for the address itself
}

// Routes lists the ways to a source in the order of the mirrors that match: only
// those with the longest beginning count. Without a mirror the address itself is
// the one way; beside mirrors it is none, unless a mirror leads back to it.
func Routes(mirrors []Mirror, address string) []Route {
	var out []Route
	longest := 0
	for _, m := range mirrors {
		ways, ok := m.match(address)
		n := len(strings.TrimRight(m.From, "/"))
		if !ok || n < longest {
			continue
		}
		if n > longest {
			out, longest = nil, n
		}
		out = append(out, ways...)
	}
	if len(out) == 0 {
		return []Route{{Address: address}}
	}
	return out
}

// PlainTo reports whether an address begins as one of the insecure mirrors do.
func PlainTo(mirrors []Mirror) func(address string) bool {
	return func(address string) bool {
		return slices.ContainsFunc(mirrors, func(m Mirror) bool {
			return m.Insecure && slices.ContainsFunc(m.To, func(to string) bool {
				_, ok := Mirror{From: to, To: m.To}.match(address)
				return ok
			})
		})
	}
}
