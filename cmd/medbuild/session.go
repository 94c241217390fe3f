package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/engine"
	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/site"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/stages/stage"
	bksession "github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
)

// session is a run's engine, what is solved on it, and the file's bases.
type session struct {
	engine  *engine.Engine
	solve   *solve.Session
	bases   *base.Bases
	created time.Time
	shown   bool
}

// Base is a base with all that is known of it.
func (s *session) Base(ctx context.Context, settings stage.BaseSettings) (stage.Base, error) {
	return s.bases.Learn(ctx, s.solve, settings)
}

// open finds the engine and begins a session for the bases of a file in dir.
// secrets are the user's, by id.
func (o options) open(ctx context.Context, dir string, secrets map[string][]byte) (*session, error) {
	n, err := o.network()
	if err != nil {
		return nil, err
	}
	here := n.site(o.jobs)
	logins, err := await(ctx, func() (*site.Credentials, error) { return credentials(here, secrets) })
	if err != nil {
		return nil, err
	}
	logins.Plain = fetch.PlainTo(n.mirrors)
	e, err := o.connect(ctx, n, here)
	if err != nil {
		return nil, err
	}
	s, err := o.begin(ctx, e, dir, solve.Settings{Mirrors: n.mirrors, Patience: n.Fetch.Patience(), After: solve.RetryAfter, Index: here.PythonIndex()}, logins)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return s, nil
}

// progress shows the rest of the progress. Nothing can be built after it.
func (s *session) progress() error {
	if s.shown {
		return nil
	}
	s.shown = true
	return s.solve.Progress.Close()
}

// close releases the engine. It is called last.
func (s *session) close() {
	if err := errors.Join(s.progress(), s.engine.Close()); err != nil {
		fmt.Fprintln(os.Stderr, "medbuild: close the engine:", err)
	}
}

// engineAlone is the engine for commands that build nothing.
func (o options) engineAlone(ctx context.Context) (*engine.Engine, error) {
	n, err := o.network()
	if err != nil {
		return nil, err
	}
	return o.connect(ctx, n, n.site(0))
}

// connect finds the engine the command line asks for.
func (o options) connect(ctx context.Context, n network, here site.Site) (*engine.Engine, error) {
	wanted := o.engine
	wanted.Env, wanted.Say, wanted.Registries = here.Engine(), o.say(), n.registries()
	wanted.Mirrors = n.submodules()
	e, err := engine.Find(ctx, wanted)
	if err != nil {
		return nil, err
	}
	passedOver(e.Refused, o.say())
	return e, nil
}

// passedOver says which engines could be used if the user changed something.
// Those that are merely not there are not worth a line in every build.
func passedOver(refused []*problem.Error, say func(string)) {
	for _, r := range refused {
		if say != nil && len(problem.Hints(r)) > 0 {
			say(problem.Text(problem.Wrapf("skipping %w", r)))
		}
	}
}

// begin is a session for one run of a command. The caller closes its progress.
func (o options) begin(ctx context.Context, e *engine.Engine, dir string, sources solve.Settings, logins *site.Credentials) (*session, error) {
	created, err := sourceDateEpoch()
	if err != nil {
		return nil, err
	}
	progress, err := solve.NewProgress(ctx, o.screen, o.progress)
	if err != nil {
		return nil, problem.Usagef("--progress: %w", err)
	}
	bases := o.bases(dir)
	sources.Platform, sources.Root, sources.HostNetwork, sources.Debug = o.platform, e.Root, e.HostNetwork, o.debug
	sources.Files, sources.Serve, sources.Allow = bases.Files, attachables(logins), logins.Allow
	sources.Progress, sources.Say = progress, o.say()
	return &session{engine: e, solve: solve.New(e, sources), bases: bases, created: created}, nil
}

// attachables serve the engine registry credentials and secrets.
func attachables(logins *site.Credentials) []bksession.Attachable {
	docker := dockerconfig.LoadDefaultConfigFile(os.Stderr)
	keepNoSeed(dockerconfig.Dir())
	return []bksession.Attachable{
		authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: authprovider.LoadAuthConfig(docker)}),
		secretsprovider.NewSecretProvider(logins),
	}
}

// keepNoSeed has the engine ask registries for tokens where the Docker config's
// folder cannot be made, as on a read-only home: BuildKit's client, which asks
// otherwise, fails for want of a place for the seed of its keys (BuildKit,
// session/auth/authprovider/tokenseed.go).
func keepNoSeed(dir string) {
	if _, err := os.Stat(dir); err == nil {
		return // a file that cannot be written in it is no failure there
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		_ = os.Setenv("BUILDKIT_NO_CLIENT_TOKEN", "1") // fails for malformed names alone
		return
	}
	_ = os.Remove(dir) // BuildKit makes it when it has something to keep
}

// cacheDir keeps what is known of bases; "" when the machine has no place.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "medbuild")
}

// sourceDateEpoch is the creation time of images: SOURCE_DATE_EPOCH, or 1970.
// It is never the clock's, which would give every image another digest.
func sourceDateEpoch() (time.Time, error) {
	s := os.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, problem.Usagef("SOURCE_DATE_EPOCH=%q is not a number of seconds", s)
	}
	return time.Unix(n, 0).UTC(), nil
}
