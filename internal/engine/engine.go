// Package engine finds the BuildKit that builds, and starts one when there is
// none.
//
// Find tries, in this order, the address it was given, a buildkitd that runs
// already (the system's, then the user's rootless one), Docker's built-in
// BuildKit, and last medbuild's own buildkitd as a child process. An engine is taken
// only when it answers and can merge layers, because images are merges of
// layers here; every other candidate is kept with the reason it was refused.
//
// The child belongs to a folder, its root, not to one run: runs at the same
// time share it, a run that was killed leaves it to the next one, and the last
// run that ends stops it. Its cache stays in the root.
package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

// adoptLimit is how long an engine that was there may take to answer, before it
// is taken for gone.
const adoptLimit = 2 * time.Second

// Kind says how an engine was found.
type Kind string

// The kinds of engine, in the order Find looks for them.
const (
	Given  Kind = "given"  // an address the user gave
	System Kind = "system" // a buildkitd that was running already
	Docker Kind = "docker" // the BuildKit inside a Docker Engine
	Child  Kind = "child"  // medbuild's own buildkitd
)

// Options say where to look. The zero value searches with the defaults.
type Options struct {
	// Address is tried alone when set (else $BUILDKIT_HOST, when that is set):
	// unix://, tcp://, docker-container://, podman-container://, kube-pod://,
	// ssh://, "docker" for Docker's BuildKit, "child" for our own.
	Address string
	// TLS is for an address with tcp://.
	TLS TLS
	// InsecureEngine allows tcp:// to another machine without TLS: whoever is on
	// the way can read what is sent, registry passwords and secrets too.
	InsecureEngine bool
	// Root is the folder of our own engine's state; empty: $MEDBUILD_ROOT,
	// else $XDG_DATA_HOME/medbuild/engine, else ~/.local/share/medbuild/engine.
	Root string
	// Binary is the buildkitd to start; empty: $MEDBUILD_BUILDKITD, else the one
	// beside the running program, else the one in PATH.
	Binary string
	// Env is added to the small environment of our own engine, which fetches
	// sources itself: CA bundle, proxies. An idle engine that runs with another
	// Env is restarted; a busy one is used as it is, and Say tells so.
	Env map[string]string
	// Mirrors take the place of the beginnings of addresses of git submodules, which
	// our own engine fetches from where their repository says.
	Mirrors []Mirror
	// Frees says that what is done on the engine frees its disk: it may use the
	// room that our own engine sets aside for that.
	Frees bool
	// Registries are those that our own engine reaches in another way than it would
	// by itself: over TLS, and on its own machine over plain http.
	Registries []Registry
	// Say takes one-line notices for the user; nil drops them.
	Say func(string)
}

// Registry is how our own engine reaches a registry.
type Registry struct {
	Host     string // host or host:port
	CA       string // file with the authority of its certificate; "" for the system's
	Insecure bool   // plain http, and certificates that cannot be verified
}

// Mirror is what to fetch from in place of addresses that begin with From.
type Mirror struct{ From, To string }

// Engine is a BuildKit that answers and can merge. Close releases it.
type Engine struct {
	Kind    Kind
	Address string           // where it is reached, for example unix:///run/buildkit/buildkitd.sock
	Client  *client.Client   // connected; closed by Close
	Refused []*problem.Error // the candidates passed over before this one, in order: see NoEngineError
	Log     string           // log file of our own engine; empty for the others
	Root    string           // folder of our own engine's state; empty for the others
	// HostNetwork says that commands with a network must ask for the machine's
	// own: this Docker has no bridge for them.
	HostNetwork bool

	pulse    *pulse
	replaced func() bool                 // whether another one is there by now; nil: it cannot be told
	restart  func(context.Context) error // starts it again; nil: that is not ours to do
	reviving sync.Mutex
	life     atomic.Int32 // how often it was started again

	release func() error
	discard func() (int64, error) // releases it and removes its state; nil: that is not ours to do
	once    sync.Once
	closed  error
}

// opened is an engine that has been probed, watched from now on.
func opened(e *Engine, p *pulse) *Engine {
	e.pulse = p
	name := e.name()
	if e.Log != "" {
		name += " (log: " + e.Log + ")"
	}
	go p.watch(name, e.ask)
	return e
}

// InDocker reports whether results stay in a Docker Engine's image store.
func (e *Engine) InDocker() bool { return e.Kind == Docker }

// Close releases the engine; the last user of our own engine stops it, which
// takes under 2 seconds even when a solve is under way (cancel that first).
// Calling it again returns the first call's error.
func (e *Engine) Close() error {
	e.once.Do(func() {
		e.pulse.end()
		// The connection goes first: a daemon waits for open ones when it stops.
		e.closed = e.Client.Close()
		if e.release != nil {
			e.closed = errors.Join(e.closed, e.release())
		}
	})
	return e.closed
}

// Discard closes the engine and removes the state of our own one, unless another
// run uses it. It is for an engine that lists no record any more: what is on its
// disk then is lost to it. It returns how many bytes that freed, 0 for engines
// that are not ours.
func (e *Engine) Discard() (freed int64, err error) {
	if e.discard == nil {
		return 0, e.Close()
	}
	e.release = func() error {
		var err error
		freed, err = e.discard()
		return err
	}
	err = e.Close()
	return freed, err
}

// NoEngineError says that nothing usable was found. Each candidate is a problem
// whose subject says what was tried, such as "Docker at
// unix:///var/run/docker.sock", and whose message says why it is no use.
type NoEngineError struct {
	Refused []*problem.Error
}

// Error lists every candidate with its reason.
func (e *NoEngineError) Error() string {
	text := "no build engine can be used"
	for _, r := range e.Refused {
		text += "\n  " + r.Error()
	}
	return text
}

// Unwrap is the candidates, whose hints are the error's.
func (e *NoEngineError) Unwrap() []error {
	all := make([]error, len(e.Refused))
	for i, r := range e.Refused {
		all[i] = r
	}
	return all
}

// Find returns the first usable engine. The error is a *NoEngineError, or what
// ended the context.
func Find(ctx context.Context, o Options) (*Engine, error) {
	return newFinder().find(ctx, o)
}
