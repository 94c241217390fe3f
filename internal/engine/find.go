package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// attempt is one place to look: what it is called, and how it is opened.
type attempt struct {
	name string
	open func(context.Context) (*Engine, error)
}

// finder holds what a search asks of the machine, so that a test can put a bare
// machine in its place.
type finder struct {
	getenv       func(string) string
	systemSocket string
	dockerSocket string // where Docker listens when neither DOCKER_HOST nor a context says otherwise
	child        func(context.Context, Options) (*Engine, error)
}

func newFinder() finder {
	return finder{
		getenv:       os.Getenv,
		systemSocket: "/run/buildkit/buildkitd.sock",
		dockerSocket: defaultDockerHost,
		child:        openChild,
	}
}

func (f finder) find(ctx context.Context, o Options) (*Engine, error) {
	o = f.defaults(o)
	var refused []*problem.Error
	for _, a := range f.attempts(o) {
		e, err := a.open(ctx)
		if err == nil {
			e.Refused = refused
			return e, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("looking for an engine: %w", context.Cause(ctx))
		}
		refused = append(refused, refusal(a.name, err))
	}
	return nil, &NoEngineError{Refused: refused}
}

// defaults fills what the environment knows; nothing below reads it again
// except Docker's own variables.
func (f finder) defaults(o Options) Options {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	o.Address = first(o.Address, f.getenv("BUILDKIT_HOST"))
	o.Binary = first(o.Binary, f.getenv("MEDBUILD_BUILDKITD"))
	o.Root = first(o.Root, f.getenv("MEDBUILD_ROOT"), below(f.getenv("XDG_DATA_HOME"), "medbuild/engine"),
		below(f.getenv("HOME"), ".local/share/medbuild/engine"))
	return o
}

func (f finder) attempts(o Options) []attempt {
	if o.Address != "" {
		return []attempt{f.given(o)}
	}
	out := []attempt{f.running("buildkitd", f.systemSocket)}
	if dir := f.getenv("XDG_RUNTIME_DIR"); dir != "" {
		out = append(out, f.running("rootless buildkitd", filepath.Join(dir, "buildkit/buildkitd.sock")))
	}
	return append(out, f.docker("", o), f.own(o))
}

// schemes are those that the client of BuildKit dials, with the helpers that its
// commands register, and Docker.
func schemes() []string {
	return []string{"unix", "tcp", "npipe", "docker", "docker-container", "kube-pod", "podman-container", "ssh"}
}

// Check refuses what names no engine, and what would be sent readable to another
// machine, before any engine is looked for.
func (o Options) Check() error {
	if err := checkAddress(o.Address); err != nil {
		return err
	}
	if err := o.TLS.check(); err != nil {
		return err
	}
	switch tcp := strings.HasPrefix(o.Address, "tcp://"); {
	case o.TLS.used() && !tcp:
		return problem.Usagef("TLS is only for engines at tcp://, not for %q", first(o.Address, "an engine that is searched for")).
			Hint("give --engine tcp://host:port, or leave out the --tls- options")
	case !o.InsecureEngine && inClear(o.Address, o.TLS):
		return errClear(o.Address)
	}
	return nil
}

func checkAddress(address string) error {
	if address == "" || address == "child" || address == "docker" {
		return nil
	}
	scheme, rest, _ := strings.Cut(address, "://")
	if slices.Contains(schemes(), scheme) && rest != "" {
		return nil
	}
	return problem.Usagef("%q is not a valid engine address", address).
		Hint("give --engine as unix:///path/to/buildkitd.sock, tcp://host:port, docker or child")
}

// given is the one attempt when the user named an engine.
func (f finder) given(o Options) attempt {
	switch {
	case o.Address == "child":
		return f.own(o)
	case o.Address == "docker":
		return f.docker("", o)
	case strings.HasPrefix(o.Address, "docker://"):
		return f.docker(strings.TrimPrefix(o.Address, "docker://"), o)
	}
	return attempt{"engine " + o.Address, func(ctx context.Context) (*Engine, error) {
		if err := o.Check(); err != nil {
			return nil, err
		}
		return openRemote(ctx, Given, o.Address, o.TLS)
	}}
}

func (f finder) running(name, socket string) attempt {
	return attempt{name + " at unix://" + socket, func(ctx context.Context) (*Engine, error) {
		if _, err := os.Stat(socket); err != nil {
			return nil, fmt.Errorf("not running (%w)", bare(err))
		}
		return openRemote(ctx, System, "unix://"+socket, TLS{})
	}}
}

func (f finder) docker(host string, o Options) attempt {
	host, err := f.dockerHost(host)
	if err == nil && !o.InsecureEngine && inClear(host, TLS{}) {
		err = errClear(host)
	}
	return attempt{"Docker at " + host, func(ctx context.Context) (*Engine, error) {
		if err != nil {
			return nil, err
		}
		return openDocker(ctx, host)
	}}
}

func (f finder) own(o Options) attempt {
	return attempt{"medbuild's own buildkitd", func(ctx context.Context) (*Engine, error) { return f.child(ctx, o) }}
}

// refusal is why a candidate was passed over. It is no fault of the command
// line's, whatever stood there: an address may come from the environment.
func refusal(name string, err error) *problem.Error {
	class := problem.Failed
	if problem.ClassOf(err) == problem.Transient {
		class = problem.Transient
	}
	return &problem.Error{Class: class, Subject: name, Message: err.Error(), Cause: err}
}

// bare takes the operation and path off a file error whose path was said
// already.
func bare(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func below(dir, path string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, path)
}
