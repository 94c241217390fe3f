package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
)

// holdEnv makes the test binary a run of its own: it opens the engine with this
// root, prints the daemon's process and waits to be killed.
const holdEnv = "MEDBUILD_TEST_HOLD"

func TestMain(m *testing.M) {
	if root := os.Getenv(holdEnv); root != "" {
		hold(root)
	}
	if len(os.Args) == 3 && os.Args[1] == "--config" {
		standIn(os.Args[2])
	}
	os.Exit(m.Run())
}

func hold(root string) {
	_, err := Find(context.Background(), Options{Address: "child", Root: root, Binary: os.Getenv("MEDBUILD_BUILDKITD")})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("holding")
	time.Sleep(time.Minute)
	os.Exit(1)
}

// site is a root with all that a test of our own engine needs.
type site struct {
	*testing.T
	root   string
	binary string
	said   []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("our own engine needs root")
	}
	if _, err := findRunc(); err != nil {
		t.Skip(err)
	}
	given := first(os.Getenv("MEDBUILD_BUILDKITD"), "../../bin/buildkitd")
	binary, err := findBuildkitd(given)
	if err != nil {
		t.Skipf("no daemon to test with (make build writes one): %v", err)
	}
	return siteOf(t, binary)
}

func siteOf(t *testing.T, binary string) *site {
	t.Helper()
	// The folders of t.TempDir are too long for the socket to be in the root.
	root, err := os.MkdirTemp("", "mbe")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t, root: root, binary: binary}
	t.Cleanup(s.tidy)
	return s
}

// tidy ends what a failed test left and fails a test that left something.
func (s *site) tidy() {
	if r := s.daemon().running(); r.pid != 0 {
		s.Errorf("buildkitd is left behind as process %d", r.pid)
		if err := s.daemon().stop(r.pid); err != nil {
			s.Error(err)
		}
	}
	s.noMounts()
	if err := os.RemoveAll(s.root); err != nil {
		s.Error(err)
	}
}

func (s *site) noMounts() {
	s.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		s.Fatal(err)
	}
	if left := mountPoints(string(table), s.root); len(left) > 0 {
		s.Errorf("mounts are left: %v", left)
	}
}

func (s *site) daemon() *daemon {
	return &daemon{root: s.root, socket: s.root + "/run/buildkitd.sock", runc: "runc"}
}

func (s *site) options() Options {
	return Options{Address: "child", Root: s.root, Binary: s.binary, Say: func(m string) { s.said = append(s.said, m) }}
}

func (s *site) find(o Options) *Engine {
	s.Helper()
	e, err := Find(s.Context(), o)
	if err != nil {
		s.Fatal(err)
	}
	return e
}

func (s *site) close(e *Engine) {
	s.Helper()
	began := time.Now()
	if err := e.Close(); err != nil {
		s.Error(err)
	}
	s.ends("closing", began)
}

// ends fails the test when something took so long that it must have waited for
// what never comes. What is quick, TestChildIsQuick tells.
func (s *site) ends(what string, began time.Time) {
	s.Helper()
	took := time.Since(began)
	s.Logf("%s took %s", what, took.Round(time.Millisecond))
	if took > 15*time.Second {
		s.Errorf("%s took %s", what, took)
	}
}

// pid returns the daemon's process.
func (s *site) pid() int {
	s.Helper()
	r := s.daemon().running()
	if r.pid == 0 {
		s.Fatal("no daemon runs")
	}
	return r.pid
}

// TestChildIsQuick wants an engine to be there within a second, and gone within
// two. The best of a few tries counts: other tests may have the processors.
func TestChildIsQuick(t *testing.T) {
	start, end := time.Hour, time.Hour
	for try := 0; try < 10 && (start > time.Second || end > 2*time.Second); try++ {
		s := newSite(t)
		began := time.Now()
		e := s.find(s.options())
		start = min(start, time.Since(began))
		began = time.Now()
		s.close(e)
		end = min(end, time.Since(began))
	}
	t.Logf("the engine started in %s and ended in %s", start, end)
	if start > time.Second || end > 2*time.Second {
		t.Errorf("at best the engine starts in %s and ends in %s", start, end)
	}
}

func TestChildStartsAndStops(t *testing.T) { eachDaemon(t, childStartsAndStops) }

func childStartsAndStops(s *site) {
	e := s.find(s.options())
	pid := s.pid()
	if e.Kind != Child || e.InDocker() || e.Log != s.root+"/log/buildkitd.log" {
		s.Errorf("engine is %q, log %q", e.Kind, e.Log)
	}
	if len(s.said) != 1 || !strings.Contains(s.said[0], e.Log) {
		s.Errorf("the user was told %q", s.said)
	}
	s.private()
	s.ownSession(pid)
	s.close(e)
	if alive(pid) {
		s.Errorf("process %d is left", pid)
	}
	s.close(s.find(s.options()))
}

// private checks that nobody else reaches the daemon or reads its files.
func (s *site) private() {
	s.Helper()
	for _, dir := range []string{"run", "state", "log", "tmp"} {
		fi, err := os.Stat(filepath.Join(s.root, dir))
		if err != nil || fi.Mode().Perm()&0o077 != 0 && dir != "state" {
			s.Errorf("folder %s: %v %v", dir, fi, err)
		}
	}
}

// ownSession checks that a terminal's Ctrl-C does not reach the daemon.
func (s *site) ownSession(pid int) {
	s.Helper()
	group, err := syscall.Getpgid(pid)
	if err != nil || group != pid {
		s.Errorf("daemon %d is in process group %d (%v)", pid, group, err)
	}
}

func TestChildIsShared(t *testing.T) { eachDaemon(t, childIsShared) }

func childIsShared(s *site) {
	engines := make(chan *Engine, 2)
	for range 2 {
		go func() {
			o := s.options()
			o.Say = nil
			e, err := Find(s.Context(), o)
			if err != nil {
				s.Error(err)
			}
			engines <- e
		}()
	}
	a, b := <-engines, <-engines
	if a == nil || b == nil {
		s.Fatal("an engine is missing")
	}
	pid := s.pid()
	s.close(a)
	if _, err := b.Client.ListWorkers(s.Context()); err != nil {
		s.Errorf("after the other run ended: %v", err)
	}
	if s.pid() != pid {
		s.Error("the daemon was replaced under a run that uses it")
	}
	s.close(b)
}

func TestChildIsAdopted(t *testing.T) {
	for _, lost := range []string{"", "run/buildkitd.json"} {
		t.Run("without "+lost, func(t *testing.T) {
			eachDaemon(t, func(s *site) { s.isAdopted(lost) })
		})
	}
}

func (s *site) isAdopted(lost string) {
	pid := s.killedRun()
	if lost != "" {
		if err := os.Remove(filepath.Join(s.root, lost)); err != nil {
			s.Fatal(err)
		}
	}
	e := s.find(s.options())
	// Without its record nobody knows its settings: then it is replaced.
	if got := s.pid(); (got == pid) != (lost == "") {
		s.Errorf("daemon was %d, is %d", pid, got)
	}
	s.close(e)
}

// killedRun starts a run in another process and kills it; it returns the
// daemon that is left.
func (s *site) killedRun() int {
	s.Helper()
	run := exec.Command("/proc/self/exe")
	run.Env = append(os.Environ(), holdEnv+"="+s.root, "MEDBUILD_BUILDKITD="+s.binary)
	out, err := run.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := run.Start(); err != nil {
		s.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "holding\n" {
		s.Fatalf("the other run: %q %v", line, err)
	}
	pid := s.pid()
	_ = run.Process.Kill()
	_ = run.Wait() // it was killed
	return pid
}

func TestStaleRecordDoesNotBlock(t *testing.T) { eachDaemon(t, staleRecordDoesNotBlock) }

func staleRecordDoesNotBlock(s *site) {
	if err := os.Mkdir(s.root+"/run", 0o700); err != nil {
		s.Fatal(err)
	}
	// A living process that is not ours must neither be taken nor harmed.
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		s.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	text := fmt.Sprintf(`{"pid":%d,"fingerprint":"x"}`, other.Process.Pid)
	if err := os.WriteFile(s.root+"/run/buildkitd.json", []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(s.root+"/run/buildkitd.sock", nil, 0o600); err != nil {
		s.Fatal(err)
	}
	e := s.find(s.options())
	s.close(e)
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		s.Errorf("the other process: %v", err)
	}
}

func TestChangedEnvRestarts(t *testing.T) { eachDaemon(t, changedEnvRestarts) }

func changedEnvRestarts(s *site) {
	a := s.find(s.options())
	pid := s.pid()
	o := s.options()
	o.Env = map[string]string{"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
	b := s.find(o)
	if s.pid() != pid {
		s.Error("a busy daemon was restarted")
	}
	if last := s.said[len(s.said)-1]; !strings.Contains(last, "in use by another run") {
		s.Errorf("the user was told %q", s.said)
	}
	s.close(b)
	s.close(a)
	pid = s.killedRun()
	b = s.find(o)
	if s.pid() == pid {
		s.Error("an idle daemon kept its old environment")
	}
	env, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid()) + "/environ")
	if err != nil || !strings.Contains(string(env), "\x00SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\x00") {
		s.Errorf("the daemon's environment: %q %v", env, err)
	}
	s.close(b)
}

func TestHungDaemonIsReplaced(t *testing.T) { eachDaemon(t, hungDaemonIsReplaced) }

func hungDaemonIsReplaced(s *site) {
	pid := s.killedRun()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		s.Fatal(err)
	}
	e := s.find(s.options())
	if s.pid() == pid {
		s.Error("a stopped daemon was adopted")
	}
	s.close(e)
}

func TestFailedStartSaysWhy(t *testing.T) { eachDaemon(t, failedStartSaysWhy) }

func failedStartSaysWhy(s *site) {
	bad := filepath.Join(s.root, "buildkitd")
	if err := os.WriteFile(bad, []byte("#!/bin/sh\necho the disk is purple >&2\nexit 3\n"), 0o755); err != nil {
		s.Fatal(err)
	}
	o := s.options()
	o.Binary = bad
	began := time.Now()
	_, err := Find(s.Context(), o)
	s.ends("failing", began)
	if err == nil || !strings.Contains(err.Error(), "the disk is purple") || !strings.Contains(err.Error(), s.root+"/log/buildkitd.log") {
		s.Errorf("error is %v", err)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Find(ctx, s.options()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

func TestLongRootHasShortSocket(t *testing.T) { eachDaemon(t, longRootHasShortSocket) }

func longRootHasShortSocket(s *site) {
	o := s.options()
	o.Root = filepath.Join(s.root, strings.Repeat("long/", 30))
	e := s.find(o)
	if len(e.Address) > len("unix://")+maxSocketPath || !strings.HasPrefix(e.Address, "unix:///tmp/medbuild-") {
		s.Errorf("address is %s", e.Address)
	}
	dir := filepath.Dir(strings.TrimPrefix(e.Address, "unix://"))
	if err := checkPrivate(dir); err != nil {
		s.Error(err)
	}
	s.close(e)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		s.Errorf("folder of the socket after closing: %v", err)
	}
}

func TestGarbageCollection(t *testing.T) {
	s := newSite(t)
	e := s.find(s.options())
	defer s.close(e)
	workers, err := e.Client.ListWorkers(t.Context())
	if err != nil || len(workers) != 1 || len(workers[0].GCPolicy) != 4 {
		t.Fatalf("workers are %+v (%v)", workers, err)
	}
	caches, last := workers[0].GCPolicy[0], workers[0].GCPolicy[3]
	if len(caches.Filter) != 3 || caches.KeepDuration != 30*24*time.Hour || caches.MaxUsedSpace < 1<<20 {
		t.Errorf("caches are kept by %+v", caches)
	}
	if !last.All || last.ReservedSpace == 0 || last.MinFreeSpace == 0 || last.MaxUsedSpace <= caches.MaxUsedSpace {
		t.Errorf("everything is kept by %+v", last)
	}
}

// TestDaemonHasOurVersion compares the module the client comes from with the
// one the daemon is built from.
func TestDaemonHasOurVersion(t *testing.T) {
	version := regexp.MustCompile(`(?m)github\.com/moby/buildkit (v\S+)`)
	var found []string
	for _, file := range []string{"../../go.mod", "daemon/go.mod"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, version.FindString(string(data)))
	}
	if found[0] == "" || found[0] != found[1] {
		t.Errorf("versions are %q", found)
	}
}

func TestLongLogIsPutAside(t *testing.T) { eachDaemon(t, longLogIsPutAside) }

func longLogIsPutAside(s *site) {
	if err := os.Mkdir(s.root+"/log", 0o700); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(s.root+"/log/buildkitd.log", make([]byte, maxLog+1), 0o600); err != nil {
		s.Fatal(err)
	}
	e := s.find(s.options())
	s.close(e)
	if fi, err := os.Stat(e.Log); err != nil || fi.Size() == 0 || fi.Size() > maxLog {
		s.Errorf("the log: %v %v", fi, err)
	}
	if fi, err := os.Stat(e.Log + ".1"); err != nil || fi.Size() != maxLog+1 {
		s.Errorf("the old log: %v %v", fi, err)
	}
}

// TestInstalledAlone is what go install leaves: the program, without what it
// starts.
func TestInstalledAlone(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, noDaemon := findBuildkitd("")
	_, noRunc := findRuncAmong("runc")
	none := &NoEngineError{Refused: []*problem.Error{refusal("medbuild's own buildkitd", allMissing([]error{noDaemon, noRunc}))}}
	want := `no build engine can be used
  medbuild's own buildkitd: no buildkitd beside this program or in PATH; runc is not installed
hint: git clone https://github.com/medbuild/medbuild && make -C medbuild build writes one beside a medbuild, in medbuild/bin; or set MEDBUILD_BUILDKITD to that of the BuildKit release which medbuild version names
hint: apt-get install runc`
	if got := problem.Text(none); got != want {
		t.Errorf("error is\n%s\nwant\n%s", got, want)
	}
}

func TestMissingThingsAreSaidTogether(t *testing.T) {
	t.Setenv("PATH", "")
	_, noDaemon := findBuildkitd("")
	err := allMissing([]error{checkUser(1000), noDaemon, nil})
	if r := refusal("medbuild's own buildkitd", err); r.Message != "needs root; no buildkitd beside this program or in PATH" {
		t.Errorf("reason is %q", r.Message)
	}
	if hints := problem.Hints(err); len(hints) != 2 || !strings.Contains(hints[0], "sudo") || !strings.Contains(hints[1], "make -C medbuild build") {
		t.Errorf("hints are %q", hints)
	}
	if err := allMissing([]error{checkUser(0), nil, nil}); err != nil {
		t.Errorf("nothing is missing, but: %v", err)
	}
}
