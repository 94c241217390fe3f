package engine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

const (
	startLimit = 15 * time.Second       // for a new daemon to answer; it takes 0.1 s
	leaveLimit = 500 * time.Millisecond // for a run that starts to let us pass
	termGrace  = 1200 * time.Millisecond
	killGrace  = time.Second
	maxLog     = 8 << 20 // bytes of log before it is put aside
)

// record is what a run leaves about the daemon it started. It is a hint: the
// process is looked at before anything is believed.
type record struct {
	PID         int    `json:"pid"`
	Fingerprint string `json:"fingerprint"`

	pid int // the process that was found; 0 if there is none
}

// running finds the daemon of this root, also when its record is stale or
// missing.
func (d *daemon) running() record {
	var r record
	if err := readJSON(d.path("run/buildkitd.json"), &r); err == nil && d.owns(r.PID) {
		r.pid = r.PID
		return r
	}
	return record{pid: d.search()}
}

// search looks through all processes, for the case that a run was killed
// between starting the daemon and writing the record.
func (d *daemon) search() int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && d.owns(pid) {
			return pid
		}
	}
	return 0
}

// owns reports whether a process lives and is the daemon of this root: nobody
// else is started with this config file. A zombie has no arguments.
func (d *daemon) owns(pid int) bool {
	if pid <= 0 {
		return false
	}
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	args := bytes.Split(data, []byte{0})
	return err == nil && len(args) >= 3 && string(args[1]) == "--config" && string(args[2]) == d.configFile()
}

// start cleans up after a daemon that died, starts a new one and waits until
// it answers.
func (d *daemon) start(ctx context.Context, opts ...client.ClientOpt) (*client.Client, error) {
	if err := d.sweep(); err != nil {
		return nil, fmt.Errorf("cleaning up after a daemon that was killed: %w", err)
	}
	if err := d.makeSocketFolder(); err != nil {
		return nil, err
	}
	if err := writeFile(d.configFile(), []byte(d.config)); err != nil {
		return nil, fmt.Errorf("writing its config: %w", err)
	}
	if err := d.writeGit(); err != nil {
		return nil, fmt.Errorf("writing its git: %w", err)
	}
	d.say("starting medbuild's own buildkitd, log at " + d.logFile())
	logged := d.logSize()
	pid, exited, err := d.spawn()
	if errors.Is(err, syscall.EPERM) {
		err = problem.Hinted(err, "builds need the capability to mount (CAP_SYS_ADMIN); a container has it with docker run --privileged")
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", d.binary, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	c, err := d.connect(ctx, startLimit, opts...)
	if err != nil {
		err = cmp.Or(d.tooOld(), fmt.Errorf("started, but %w%s", err, d.logTail(logged)))
		return nil, errors.Join(err, d.stop(pid))
	}
	return c, nil
}

// tooOld is why a program that did not start cannot: those that are too old do not
// read the config file. The last but one word of what it says is its version:
// "buildkitd github.com/moby/buildkit v0.11.6 2951a28cd7085eb18979b1f710678623d94ed578".
func (d *daemon) tooOld() error {
	said, err := exec.Command(d.binary, "--version").Output()
	words := strings.Fields(string(said))
	if err != nil || len(words) < 3 {
		return nil
	}
	return checkNumber(words[2])
}

// spawn starts the process, in a session and a mount namespace of its own: the
// terminal's signals do not reach it, and its mounts go when it goes. The
// channel is closed when it ended.
func (d *daemon) spawn() (int, <-chan struct{}, error) {
	log, err := d.openLog()
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()
	cmd := exec.Command(d.binary, "--config", d.configFile())
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.root, d.env(), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the log says why it ended
		close(exited)
	}()
	r, err := json.Marshal(record{PID: cmd.Process.Pid, Fingerprint: d.fingerprint()})
	if err == nil {
		err = writeFile(d.path("run/buildkitd.json"), r)
	}
	return cmd.Process.Pid, exited, err
}

// connect waits until the daemon answers.
func (d *daemon) connect(ctx context.Context, limit time.Duration, opts ...client.ClientOpt) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := waitSocket(ctx, d.socket); err != nil {
		return nil, fmt.Errorf("does not listen: %w", err)
	}
	c, err := client.New(ctx, "unix://"+d.socket, opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	// The program may have been given, and be of any age: it is probed as well.
	if err := probe(ctx, c, limit); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func waitSocket(ctx context.Context, path string) error {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err == nil {
			return conn.Close()
		}
		if pause(ctx, 2*time.Millisecond) != nil {
			return err
		}
	}
}

// stop ends the process and cleans up what it left. It returns in under two
// seconds also when the daemon waits for a solve.
func (d *daemon) stop(pid int) error {
	// The handle is taken before the look, so that the signal cannot reach a
	// process that got the number meanwhile.
	p, err := os.FindProcess(pid)
	if err != nil || !d.owns(pid) {
		return d.forget()
	}
	_ = p.Signal(syscall.SIGTERM) // fails only when it is gone
	if !d.gone(pid, termGrace) {
		_ = p.Kill()
		if !d.gone(pid, killGrace) {
			return fmt.Errorf("buildkitd (process %d) cannot be stopped", pid)
		}
	}
	return d.forget()
}

// gone waits until the process ended; one that was killed has no arguments
// any more long before its files are closed.
func (d *daemon) gone(pid int, limit time.Duration) bool {
	for end := time.Now().Add(limit); alive(pid); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// alive reads a process's state, the field after its name in brackets
// (proc(5)): Z and X are dead.
func alive(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	i := bytes.LastIndexByte(data, ')')
	if err != nil || i < 0 || len(data) < i+3 {
		return false
	}
	return data[i+2] != 'Z' && data[i+2] != 'X'
}

// forget removes what belongs to a daemon that is no more.
func (d *daemon) forget() error {
	gone := []string{d.path("run/buildkitd.json"), d.socket, d.traceSocket()}
	if dir := filepath.Dir(d.socket); dir != d.path("run") {
		gone = append(gone, dir)
	}
	for _, path := range gone {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cleaning up: %w", err)
		}
	}
	return d.sweep()
}

// openLog returns the log to append to; a long one is put aside first.
func (d *daemon) openLog() (*os.File, error) {
	if d.logSize() > maxLog {
		if err := os.Rename(d.logFile(), d.logFile()+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(d.logFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

func (d *daemon) logSize() int64 {
	fi, err := os.Stat(d.logFile())
	if err != nil {
		return 0
	}
	return fi.Size()
}

// logTail returns, for an error message, what the daemon said last after the
// log had that many bytes. Its own last words are one line, which a stack
// trace follows.
func (d *daemon) logTail(from int64) string {
	data, err := os.ReadFile(d.logFile())
	if err != nil || int64(len(data)) < from {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data[from:])), "\n")
	if i := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "buildkitd: ") }); i >= 0 {
		lines = lines[:i+1]
	}
	return "\n    " + strings.Join(lines[max(0, len(lines)-3):], "\n    ") + "\n    (log: " + d.logFile() + ")"
}

// writeFile puts a private file in place whole or not at all.
func writeFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
