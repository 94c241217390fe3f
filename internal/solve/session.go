// Package solve is the one door to an engine: it solves states, and is the only
// place that tries again, sends sources to mirrors, names steps, records
// progress, cancels, and bounds how long a fetch may take.
package solve

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/filesync"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
)

// Engine runs builds. BuildKit's *client.Client is one.
type Engine interface {
	Build(ctx context.Context, opt client.SolveOpt, product string, run gateway.BuildFunc, status chan *client.SolveStatus) (*client.SolveResponse, error)
}

// Reviver is an engine that may be started again after it was lost.
type Reviver interface {
	// Revive returns nil when err was that the engine is lost, and the engine is
	// there again; else the error that tells the user, such as err itself.
	Revive(ctx context.Context, err error) error
}

// Settings is what a run tells its engine, and what it must know of it.
type Settings struct {
	Platform    string // "os/arch"
	Root        string // folder of the engine's state, for messages; "" when it is not ours
	Debug       bool   // errors name the line of medbuild's source that made a step
	HostNetwork bool   // commands with a network have the machine's own: the engine has no other

	Mirrors  []fetch.Mirror                                      // the preferred first
	Allow    func(address string)                                // is told of every address that will be asked; nil is nobody
	After    func(ctx context.Context, url string) time.Duration // how long a server asks to be left alone, as RetryAfter; nil asks none
	Patience time.Duration                                       // how long one source may take; 0 is without end

	Index string // of Python packages, for messages; "" when it is not known

	NoCache NoCache
	Imports []client.CacheOptionsEntry // caches to read

	Files    *base.Files          // of the bases
	Serve    []session.Attachable // credentials and secrets
	Progress *Progress
	Say      func(notice string) // takes notices of one line for the user; nil drops them
}

// Session is what all solves of a run have in common. It is safe for concurrent
// use.
type Session struct {
	Settings
	engine  Engine
	sources *sources
	caches  caches
	warned  sync.Map // warnings that were told
}

// New is a session on an engine.
func New(e Engine, s Settings) *Session {
	return &Session{Settings: s, engine: e, sources: sourcesOf(s), caches: caches{gone: map[string]bool{}, told: map[string]bool{}}}
}

// Job is something to solve on a client of its own.
type Job struct {
	Work    func(context.Context, *Client) (*gateway.Result, error)
	Place   Place                      // where its steps are stated; nil is nowhere
	Exports []client.ExportEntry       // of the result
	Caches  []client.CacheOptionsEntry // to write
	Folders map[string]fsutil.FS       // served beside the bases' own, with their owners
	Once    bool                       // its work is not done again when the engine was lost: it may have had effects
	Within  bool                       // it is part of another job's work, which is done again for a stale cache
}

// Do does all jobs at once: steps that they share run once. A job's work is
// done again when a source that it wants was fetched after all. The answers and
// the errors come in the order of the jobs.
func (s *Session) Do(ctx context.Context, jobs ...Job) ([]*client.SolveResponse, []error) {
	out, errs := make([]*client.SolveResponse, len(jobs)), make([]error, len(jobs))
	_ = s.repeat(func() error {
		var group errgroup.Group
		for i, j := range jobs {
			if out[i] != nil || errs[i] != nil && !errors.Is(errs[i], errAgain) {
				continue
			}
			group.Go(func() error {
				out[i], errs[i] = s.build(ctx, j)
				return nil
			})
		}
		_ = group.Wait()
		return errors.Join(errs...)
	})
	told := account{record: s.Progress.Record, disk: disk(s.Root), debug: s.Debug, index: cmp.Or(s.Index, fetch.AnyIndex)}
	for i, j := range jobs {
		if !j.Within || !IsStale(errs[i]) {
			errs[i] = told.problem(errs[i], j.Place)
		}
	}
	return out, errs
}

// One does a single job.
func (s *Session) One(ctx context.Context, j Job) (*client.SolveResponse, error) {
	out, errs := s.Do(ctx, j)
	return out[0], errs[0]
}

// Join is all errors, or why the context ended: then the others only tell of it.
func Join(ctx context.Context, errs ...error) error {
	err := errors.Join(errs...)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// build is one build on the engine. What goes wrong in the work is returned as
// it is: on its way through the engine it would become text.
func (s *Session) build(ctx context.Context, j Job) (*client.SolveResponse, error) {
	opt, read := s.options(j), s.imports()
	status, shown := s.Progress.channel()
	var failed error
	resp, err := s.engine.Build(ctx, opt, "medbuild", func(ctx context.Context, g gateway.Client) (*gateway.Result, error) {
		res, err := j.Work(ctx, &Client{Gateway: g, Ref: opt.Ref, session: s})
		failed = err
		return res, err
	}, status)
	<-shown
	s.missed(err == nil)
	switch {
	case err == nil:
		return resp, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	if old := s.staleFor(ctx, read, err); failed == nil && old != nil {
		failed = old
	}
	if IsStale(failed) && !j.Within {
		failed = again{failed}
	}
	return nil, s.ended(ctx, j, err, failed)
}

// ended is what a job's build ended with: the engine's own words where the engine
// is lost, else what went wrong in the work, if it did. An engine that was
// started again is asked once more.
func (s *Session) ended(ctx context.Context, j Job, err, failed error) error {
	if r, ok := s.engine.(Reviver); ok && !j.Once {
		if err = r.Revive(ctx, err); err == nil {
			return errAgain
		}
	}
	if errors.As(err, new(*problem.Error)) || failed == nil {
		return err
	}
	return failed
}

func (s *Session) options(j Job) client.SolveOpt {
	opt := client.SolveOpt{
		Ref:           identity.NewID(),
		Exports:       j.Exports,
		CacheExports:  j.Caches,
		OCIStores:     maps.Clone(s.Files.Stores),
		Session:       s.Serve,
		FrontendAttrs: map[string]string{},

		AllowedEntitlements: entitlementsFor(s.HostNetwork),
	}
	if len(j.Folders) == 0 {
		opt.LocalMounts = maps.Clone(s.Files.Dirs)
		return opt
	}
	opt.Session = append(opt.Session[:len(opt.Session):len(opt.Session)], served(s.Files.Dirs, j.Folders))
	return opt
}

// served gives the engine folders with their owners: the client's own way of
// serving makes everything root's. The files of bases lose theirs here as well,
// so that their cache keys stay what they are.
func served(bases, folders map[string]fsutil.FS) session.Attachable {
	dirs := filesync.StaticDirSource{}
	for name, dir := range bases {
		dirs[name] = rootOwned(dir)
	}
	for name, dir := range folders {
		dirs[name] = dir
	}
	return filesync.NewFSSyncProvider(dirs)
}

func rootOwned(dir fsutil.FS) fsutil.FS {
	owned, err := fsutil.NewFilterFS(dir, &fsutil.FilterOpt{Map: func(_ string, s *fstypes.Stat) fsutil.MapResult {
		s.Uid, s.Gid = 0, 0
		return fsutil.MapResultKeep
	}})
	if err != nil {
		return dir // only patterns make errors, and there are none
	}
	return owned
}

func (s *Session) watch(g graph) watch {
	return watch{graph: g, record: s.Progress.Record, sources: s.sources, limit: s.Patience, index: cmp.Or(s.Index, fetch.AnyIndex)}
}
