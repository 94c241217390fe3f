package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

// maxSocketPath is what fits into a unix socket's address on every system,
// with some room.
const maxSocketPath = 100

// daemon is medbuild's own buildkitd: everything about it follows from its root and
// what it is started with, none of it from the run that uses it.
type daemon struct {
	root       string // absolute, without symlinks
	socket     string
	binary     string // buildkitd
	runc       string
	config     string // text of the config file
	registries []Registry
	environ    map[string]string
	mirrors    string // git's configuration for submodules
	say        func(string)
}

// openChild returns our own engine, started or shared, held until it is
// closed.
func openChild(ctx context.Context, o Options) (*Engine, error) {
	e, err := openOwn(ctx, o)
	if errors.Is(err, syscall.ENOSPC) {
		err = problem.Hinted(err, "medbuild prune frees what the engine keeps there; or keep its state on another disk with MEDBUILD_ROOT=<folder>")
	}
	return e, err
}

func openOwn(ctx context.Context, o Options) (*Engine, error) {
	d, err := newDaemon(o)
	if err != nil {
		return nil, err
	}
	start, err := lockExclusive(ctx, d.path("run/start.lock"))
	if err != nil {
		return nil, fmt.Errorf("waiting for another run that is starting or stopping it: %w", err)
	}
	defer start.release()
	if o.Frees {
		d.useSpare()
	}
	p := newPulse()
	c, err := d.ensure(ctx, p.listen())
	if err != nil {
		return nil, err
	}
	users, err := lockShared(d.path("run/users.lock"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sharing it with other runs: %w", err), c.Close())
	}
	if !o.Frees {
		d.setSpare()
	}
	pid := d.running().pid
	return opened(&Engine{Kind: Child, Address: "unix://" + d.socket, Client: c, Log: d.logFile(), Root: d.root,
		replaced: func() bool { return d.running().pid != pid },
		restart: func(ctx context.Context) error {
			err := d.again(ctx, c)
			pid = d.running().pid
			return err
		},
		release: func() error { return d.leave(users) },
		discard: func() (int64, error) { return d.discard(users) }}, p), nil
}

// again starts the daemon that ended, unless another run has, and waits until
// the connection to it is there: it is made anew by the client that had one.
func (d *daemon) again(ctx context.Context, c *client.Client) error {
	start, err := lockExclusive(ctx, d.path("run/start.lock"))
	if err != nil {
		return fmt.Errorf("waiting for another run that is starting or stopping it: %w", err)
	}
	defer start.release()
	d.say("medbuild's own buildkitd exited unexpectedly: restarting it")
	probed, err := d.ensure(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return errors.Join(c.Wait(ctx), probed.Close())
}

// newDaemon checks what the machine needs to have and makes the root's folders.
func newDaemon(o Options) (*daemon, error) {
	d := &daemon{say: o.Say, registries: o.Registries, mirrors: gitMirrors(o.Mirrors)}
	var needs [3]error
	needs[0] = checkUser(os.Geteuid())
	d.binary, needs[1] = findBuildkitd(o.Binary)
	d.runc, needs[2] = findRunc()
	if err := allMissing(needs[:]); err != nil {
		return nil, err
	}
	var err error
	if d.root, err = makeRoot(o.Root); err != nil {
		return nil, err
	}
	d.socket = socketPath(d.root)
	if d.config, err = d.configText(); err != nil {
		return nil, err
	}
	d.environ = d.environment(o.Env)
	return d, nil
}

// makeRoot creates the root and its private folders and returns its real path.
func makeRoot(root string) (string, error) {
	if root == "" {
		return "", problem.Failedf("there is no folder for its state: neither MEDBUILD_ROOT nor HOME is set").Hint("set MEDBUILD_ROOT to a folder on a local disk")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("creating the folder for its state: %w", err)
	}
	for _, dir := range []string{"", "state", "run", "log", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return "", fmt.Errorf("creating the folder for its state: %w", err)
		}
	}
	return filepath.EvalSymlinks(root)
}

// socketPath returns where the daemon listens: in the root, or, when that path
// is too long for a socket, in a private folder of /tmp (not of TMPDIR, which
// two runs may have set differently).
func socketPath(root string) string {
	path := filepath.Join(root, "run/buildkitd.sock")
	if len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(root))
	return filepath.Join("/tmp", "medbuild-"+hex.EncodeToString(sum[:6]), "buildkitd.sock")
}

// makeSocketFolder creates the folder of the socket and makes sure that it is
// ours alone: the path can be guessed.
func (d *daemon) makeSocketFolder() error {
	dir := filepath.Dir(d.socket)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("creating a folder for its socket: %w", err)
	}
	return checkPrivate(dir)
}

// traceSocket is where build steps may send traces; its default is a folder of
// the system's own buildkitd.
func (d *daemon) traceSocket() string { return filepath.Join(filepath.Dir(d.socket), "otel.sock") }

func (d *daemon) path(rel string) string { return filepath.Join(d.root, rel) }

func (d *daemon) logFile() string { return d.path("log/buildkitd.log") }

func (d *daemon) configFile() string { return d.path("buildkitd.toml") }

// environment is all the daemon gets to see: what it needs to find programs
// and to keep its files in the root, and what the caller adds.
func (d *daemon) environment(add map[string]string) map[string]string {
	env := map[string]string{
		"PATH":   searchPath(os.Getenv("PATH")),
		"HOME":   d.root,
		"TMPDIR": d.path("tmp"),
	}
	maps.Copy(env, add)
	return d.withGit(env)
}

// env is the environment as a process gets it, sorted.
func (d *daemon) env() []string {
	out := make([]string, 0, len(d.environ))
	for k, v := range d.environ {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// fingerprint changes when a running daemon is no longer the one that would be
// started. It is a hash: a proxy's address may hold a password.
func (d *daemon) fingerprint() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	_ = enc.Encode([]any{d.binary, d.config, d.env(), d.mirrors}) // writing to a hash cannot fail
	if fi, err := os.Stat(d.binary); err == nil {
		_ = enc.Encode([]int64{fi.Size(), fi.ModTime().UnixNano()})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ensure returns a connection to a daemon that answers: the one that runs, or
// a new one. The caller holds the start lock.
func (d *daemon) ensure(ctx context.Context, opts ...client.ClientOpt) (*client.Client, error) {
	was := d.running()
	if was.pid == 0 {
		return d.start(ctx, opts...)
	}
	current := was.Fingerprint == d.fingerprint()
	idle := d.idle()
	if !current && idle {
		d.say("restarting medbuild's own buildkitd: its settings changed")
		return d.restart(ctx, was.pid, opts...)
	}
	c, err := d.connect(ctx, adoptLimit, opts...)
	if err != nil && idle && ctx.Err() == nil {
		d.say("restarting medbuild's own buildkitd: the one that an earlier run left behind does not answer")
		return d.restart(ctx, was.pid, opts...)
	}
	if err != nil {
		return nil, fmt.Errorf("process %d: %w (log: %s)", was.pid, err, d.logFile())
	}
	if !current {
		d.say("medbuild's own buildkitd is in use by another run and keeps the settings that it was started with")
	}
	return c, nil
}

func (d *daemon) restart(ctx context.Context, pid int, opts ...client.ClientOpt) (*client.Client, error) {
	if err := d.stop(pid); err != nil {
		return nil, err
	}
	return d.start(ctx, opts...)
}

// idle reports whether no run uses the daemon. The caller holds the start
// lock, so that none joins meanwhile.
func (d *daemon) idle() bool {
	l, err := lockShared(d.path("run/users.lock"))
	if err != nil {
		return false
	}
	defer l.release()
	return l.onlyHolder()
}

// leave gives up a share of the daemon and stops it when it was the last.
func (d *daemon) leave(users *lock) error {
	defer users.release()
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	start, err := lockExclusive(ctx, d.path("run/start.lock"))
	if err != nil {
		return nil // somebody is about to join, and will be the last
	}
	defer start.release()
	if !users.onlyHolder() {
		return nil
	}
	return d.stop(d.running().pid)
}

// findBuildkitd returns the daemon's program: the given one, the one beside
// this program, or the one in PATH.
func findBuildkitd(given string) (string, error) {
	if given != "" {
		path, err := exec.LookPath(given)
		if err != nil {
			return "", fmt.Errorf("buildkitd: %w", err)
		}
		return filepath.Abs(path)
	}
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), "buildkitd")); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath("buildkitd"); err == nil {
		return filepath.Abs(path)
	}
	return "", problem.Failedf("no buildkitd beside this program or in PATH").
		Hint("git clone https://github.com/medbuild/medbuild && make -C medbuild build writes one beside a medbuild, in medbuild/bin; or set MEDBUILD_BUILDKITD to that of the BuildKit release which medbuild version names")
}

// findRunc returns the program that runs build steps; sudo often leaves the
// sbin folders out of PATH.
func findRunc() (string, error) {
	return findRuncAmong("runc", "buildkit-runc", "/usr/sbin/runc", "/sbin/runc")
}

func findRuncAmong(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", problem.Failedf("runc is not installed").Hint("apt-get install runc")
}

func checkUser(euid int) error {
	if euid == 0 {
		return nil
	}
	return problem.Failedf("needs root").
		Hint("run medbuild as root (sudo), or start Docker or a rootless buildkitd and give its address with --engine")
}

// allMissing makes one error of what is missing, so that a machine is made
// ready in one go.
func allMissing(needs []error) error {
	var all error
	for _, err := range needs {
		switch {
		case err == nil:
		case all == nil:
			all = err
		default:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

func searchPath(path string) string {
	return strings.Trim(path+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ":")
}
