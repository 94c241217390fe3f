package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// bareMachine is a finder on a machine that has nothing; the environment is the
// given one.
func bareMachine(t *testing.T, env map[string]string) finder {
	dir := t.TempDir()
	return finder{
		getenv:       func(k string) string { return env[k] },
		systemSocket: filepath.Join(dir, "system.sock"),
		dockerSocket: "unix://" + filepath.Join(dir, "docker.sock"),
		child: func(context.Context, Options) (*Engine, error) {
			return nil, problem.Failedf("runc is not installed").Hint("apt-get install runc")
		},
	}
}

func TestNothingWorks(t *testing.T) {
	t.Parallel()
	f := bareMachine(t, map[string]string{"XDG_RUNTIME_DIR": "/nowhere"})
	dir := filepath.Dir(f.systemSocket)
	_, err := f.find(t.Context(), Options{})
	none := (*NoEngineError)(nil)
	if !errors.As(err, &none) {
		t.Fatalf("error is %v", err)
	}
	want := `no build engine can be used
  buildkitd at unix://DIR/system.sock: not running (no such file or directory)
  rootless buildkitd at unix:///nowhere/buildkit/buildkitd.sock: not running (no such file or directory)
  Docker at unix://DIR/docker.sock: not running, or not accessible (dial unix DIR/docker.sock: connect: no such file or directory)
  medbuild's own buildkitd: runc is not installed
hint: apt-get install runc`
	if got := strings.ReplaceAll(problem.Text(err), dir, "DIR"); got != want {
		t.Errorf("error is\n%s\nwant\n%s", got, want)
	}
}

func TestGivenIsTriedAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given, env string
		reason     string
		code       int
	}{
		"option":        {given: "unix:///nowhere/a.sock", reason: "engine unix:///nowhere/a.sock: does not answer", code: 1},
		"environment":   {env: "unix:///nowhere/b.sock", reason: "engine unix:///nowhere/b.sock: does not answer", code: 1},
		"both":          {given: "unix:///nowhere/a.sock", env: "unix:///nowhere/b.sock", reason: "engine unix:///nowhere/a.sock: ", code: 1},
		"closed port":   {given: "tcp://127.0.0.1:1", reason: "connection refused", code: 75},
		"no address":    {given: "nowhere", reason: "\"nowhere\" is not a valid engine address\nhint: give --engine as unix://", code: 1},
		"bad container": {given: "docker-container://", reason: "is not a valid engine address", code: 1},
		"child":         {given: "child", reason: "medbuild's own buildkitd: runc is not installed", code: 1},
		"docker":        {given: "docker", reason: "Docker at unix://", code: 1},
		"docker socket": {given: "docker:///nowhere/d.sock", reason: "Docker at unix:///nowhere/d.sock: not running", code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := bareMachine(t, map[string]string{"BUILDKIT_HOST": c.env})
			_, err := f.find(t.Context(), Options{Address: c.given})
			none := (*NoEngineError)(nil)
			if !errors.As(err, &none) || len(none.Refused) != 1 {
				t.Fatalf("error is %v", err)
			}
			if !strings.Contains(problem.Text(err), c.reason) {
				t.Errorf("error is %q, not with %q", err, c.reason)
			}
			if code := problem.ExitCode(err); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
		})
	}
}

func TestEndedContextIsNotARefusal(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the user pressed Ctrl-C")
	cancel(cause)
	_, err := bareMachine(t, nil).find(ctx, Options{})
	if !errors.Is(err, cause) {
		t.Errorf("error is %v", err)
	}
}

func TestDefaultRoot(t *testing.T) {
	t.Parallel()
	for want, env := range map[string]map[string]string{
		"/m":                              {"MEDBUILD_ROOT": "/m", "XDG_DATA_HOME": "/x", "HOME": "/h"},
		"/x/medbuild/engine":              {"XDG_DATA_HOME": "/x", "HOME": "/h"},
		"/h/.local/share/medbuild/engine": {"HOME": "/h"},
		"":                                {},
	} {
		if got := bareMachine(t, env).defaults(Options{}).Root; got != want {
			t.Errorf("with %v: root is %q, want %q", env, got, want)
		}
	}
	if got := bareMachine(t, map[string]string{"MEDBUILD_ROOT": "/m"}).defaults(Options{Root: "/o"}).Root; got != "/o" {
		t.Errorf("the option's root became %q", got)
	}
}

func TestCanMerge(t *testing.T) {
	t.Parallel()
	workers := []gateway.WorkerInfo{{ID: "w"}}
	for name, c := range map[string]struct {
		workers []gateway.WorkerInfo
		missing apicaps.CapID
		want    string
	}{
		"all":       {workers: workers},
		"no merge":  {workers: workers, missing: pb.CapMergeOp, want: errCannotMerge.Error()},
		"no diff":   {workers: workers, missing: pb.CapDiffOp, want: errCannotMerge.Error()},
		"no worker": {want: "answers, but has no workers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := canMerge(gateway.BuildOpts{Workers: c.workers, LLBCaps: pb.Caps.CapSet(capsBut(c.missing))})
			if got := text(err); got != c.want {
				t.Errorf("answer is %q, want %q", got, c.want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDockerHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", `{"currentContext":"desktop"}`)
	// The folder's name is the sha256 of "desktop".
	write("contexts/meta/68693d02ab4fbb2331b8cc39915322e48e61f06d4d1b31e7d19913202857bc8a/meta.json", `{"Endpoints":{"docker":{"Host":"unix:///desktop.sock"}}}`)
	for name, c := range map[string]struct {
		given string
		env   map[string]string
		want  string
	}{
		"default":         {want: "unix:///default.sock"},
		"given path":      {given: "/a.sock", want: "unix:///a.sock"},
		"given host":      {given: "h:2375", want: "tcp://h:2375"},
		"variable":        {env: map[string]string{"DOCKER_HOST": "tcp://h:1", "DOCKER_CONFIG": dir}, want: "tcp://h:1"},
		"default context": {env: map[string]string{"DOCKER_CONTEXT": "default", "DOCKER_CONFIG": dir}, want: "unix:///default.sock"},
		"context":         {env: map[string]string{"DOCKER_CONFIG": dir}, want: "unix:///desktop.sock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := finder{getenv: func(k string) string { return c.env[k] }, dockerSocket: "unix:///default.sock"}
			got, err := f.dockerHost(c.given)
			if err != nil || got != c.want {
				t.Errorf("host is %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestUnsupportedDockerHost(t *testing.T) {
	t.Parallel()
	_, err := dockerDialer("ssh://user@host")
	if err == nil || !strings.Contains(strings.Join(problem.Hints(err), "\n"), "docker-container://") {
		t.Errorf("error is %v", err)
	}
}
