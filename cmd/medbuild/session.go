package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/site"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/stages/stage"

	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/engine"
	"github.com/medbuild/medbuild/internal/problem"
	bksession "github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/urfave/cli/v2"
)

// session is a run's engine, what is solved on it, and the file's bases.
type session struct {
	engine  *engine.Engine
	solve   *solve.Session
	bases   *base.Bases
	created time.Time
	shown   bool
}

// base is a base with all that is known of it.
func (s *session) base(ctx context.Context, settings stage.BaseSettings) (stage.Base, error) {
	return s.bases.Learn(ctx, s.solve, settings)
}

// open finds the engine and begins a session for the file's bases. secrets are
// the user's, by id.
func open(c *cli.Context, file *config.File, secrets map[string][]byte) (*session, error) {
	site, err := thisSite(c)
	if err != nil {
		return nil, err
	}
	logins, err := credentials(site, secrets)
	if err != nil {
		return nil, err
	}
	network, err := siteFile()
	if err != nil {
		return nil, err
	}
	mirrors, err := mirrors(c, network)
	if err != nil {
		return nil, err
	}
	logins.Plain = fetch.PlainTo(mirrors)
	e, err := connect(c, site)
	if err != nil {
		return nil, err
	}
	run, err := begin(c, e, file.Dir(), solve.Settings{Mirrors: mirrors, Patience: network.Fetch.Patience()}, logins)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return run, nil
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

// connect finds the engine the command line asks for.
func connect(c *cli.Context, site site.Site) (*engine.Engine, error) {
	e, err := engine.Find(c.Context, engine.Options{
		Address: c.String("engine"),
		Env:     site.Engine(),
		Say:     say(c),

		Insecure: site.Insecure,
	})
	if err != nil {
		return nil, err
	}
	passedOver(e.Refused, say(c))
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

// say prints notices, unless the user wants quiet or machine-readable output.
func say(c *cli.Context) func(string) {
	if mode := c.String("progress"); mode == "quiet" || mode == "rawjson" {
		return nil
	}
	return func(s string) { fmt.Fprintln(screen(c), s) }
}

// begin is a session for one run of a command. The caller closes its progress.
func begin(c *cli.Context, e *engine.Engine, dir string, sources solve.Settings, logins *site.Credentials) (*session, error) {
	created, err := sourceDateEpoch()
	if err != nil {
		return nil, err
	}
	progress, err := solve.NewProgress(c.Context, screen(c), c.String("progress"))
	if err != nil {
		return nil, usagef("--progress: %w", err)
	}
	bases := base.New(dir, cacheDir())
	bases.AllowUnpinned = c.Bool("allow-unpinned")
	sources.Platform, sources.Root, sources.HostNetwork = c.String("platform"), e.Root, e.HostNetwork
	sources.Files, sources.Serve, sources.Allow = bases.Files, attachables(logins), logins.Allow
	sources.Progress, sources.Say = progress, say(c)
	return &session{engine: e, solve: solve.New(e.Client, sources), bases: bases, created: created}, nil
}

// attachables serve the engine registry credentials and secrets.
func attachables(logins *site.Credentials) []bksession.Attachable {
	docker := dockerconfig.LoadDefaultConfigFile(os.Stderr)
	return []bksession.Attachable{
		authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{AuthConfigProvider: authprovider.LoadAuthConfig(docker)}),
		secretsprovider.NewSecretProvider(logins),
	}
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
		return time.Time{}, usagef("SOURCE_DATE_EPOCH=%q is not a number of seconds", s)
	}
	return time.Unix(n, 0).UTC(), nil
}

// generated is the date in the version manifest; left out without
// SOURCE_DATE_EPOCH, so that the manifest repeats.
func generated(created time.Time) string {
	if created.Unix() == 0 {
		return ""
	}
	return created.Format(time.DateOnly)
}
