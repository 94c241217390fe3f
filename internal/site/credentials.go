package site

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/session/secrets"
)

// Login is who somebody is at a host.
type Login struct {
	User, Password string
	Token          string // instead of both
}

// header is the login as an Authorization header, "" for none.
func (l Login) header() string {
	switch {
	case l.Token != "":
		return "Bearer " + l.Token
	case l.User != "" || l.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password))
	}
	return ""
}

// Credentials gives the engine what it asks for by name while it builds: the
// run's secrets, and the logins for the hosts that it fetches sources from. A
// login is no part of a definition. It is given for hosts of the run's own
// sources alone, and not for one that is reached over plain http, unless that
// is this machine or an insecure mirror. It is safe for concurrent use.
type Credentials struct {
	Secrets map[string][]byte         // by id
	Logins  []func(host string) Login // asked in this order; host may have a port
	Plain   func(address string) bool // whether a login may go to an http address of another machine

	mu    sync.Mutex
	hosts map[string][]string // hosts with ports of sources, by host
	plain map[string]bool     // hosts whose logins are kept back
}

// The names that BuildKit's sources ask for (source/http, source/git); a host
// follows, a repository's with its port.
const (
	httpHeader = "HTTP_AUTH_HEADER_"
	gitHeader  = "GIT_AUTH_HEADER."
)

// GetSecret is the secret of that id. The error is secrets.ErrNotFound when
// there is none.
func (c *Credentials) GetSecret(_ context.Context, id string) ([]byte, error) {
	if data, ok := c.Secrets[id]; ok {
		return data, nil
	}
	for _, prefix := range []string{httpHeader, gitHeader} {
		host, ok := strings.CutPrefix(id, prefix)
		if !ok {
			continue
		}
		if header := c.login(host).header(); header != "" {
			return []byte(header), nil
		}
	}
	return nil, fmt.Errorf("%s: %w", id, secrets.ErrNotFound)
}

// login is the one for a host, with or without its port.
func (c *Credentials) login(host string) Login {
	name := withoutPort(host)
	c.mu.Lock()
	hosts, plain := slices.Clone(c.hosts[name]), c.plain[name]
	c.mu.Unlock()
	if len(hosts) == 0 || plain {
		return Login{}
	}
	for _, ask := range c.Logins {
		for _, h := range append(hosts, name) {
			if l := ask(h); l.header() != "" {
				return l
			}
		}
	}
	return Login{}
}

// Allow lets the engine ask for the login of an address's host.
func (c *Credentials) Allow(address string) {
	u, err := url.Parse(address)
	if c == nil || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hosts == nil {
		c.hosts, c.plain = map[string][]string{}, map[string]bool{}
	}
	name := u.Hostname()
	if !slices.Contains(c.hosts[name], u.Host) {
		c.hosts[name] = append(c.hosts[name], u.Host)
	}
	if u.Scheme == "http" && !Loopback(name) && (c.Plain == nil || !c.Plain(address)) {
		c.plain[name] = true
	}
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// Loopback reports whether a host, with or without a port, is this machine.
func Loopback(host string) bool {
	name := withoutPort(host)
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}
