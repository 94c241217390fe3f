package engine

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil"
)

// solve runs the program of testdata/step as a build step.
func (s *site) solve(ctx context.Context, e *Engine, args ...string) error {
	s.Helper()
	dir, err := fsutil.NewFS(s.program())
	if err != nil {
		s.Fatal(err)
	}
	base := llb.Scratch().File(llb.Copy(llb.Local("base", llb.LocalUniqueID("base")), "/step", "/step"))
	def, err := base.Run(llb.Args(append([]string{"/step"}, args...)), llb.IgnoreCache).Root().Marshal(ctx)
	if err != nil {
		s.Fatal(err)
	}
	_, err = e.Build(ctx, client.SolveOpt{LocalMounts: map[string]fsutil.FS{"base": dir}}, "", func(ctx context.Context, g gateway.Client) (*gateway.Result, error) {
		return g.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	}, nil)
	return err
}

// program builds the step's program once, without a C library to look for.
func (s *site) program() string {
	s.Helper()
	dir := filepath.Join(s.root, "program")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "step"), "./testdata/step")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		s.Fatalf("building the step: %v\n%s", err, out)
	}
	return dir
}

func TestStepHasNetwork(t *testing.T) {
	s := newSite(t)
	e := s.find(s.options())
	defer s.close(e)
	host, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(host)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "nameserver ") || strings.Contains(line, "127.0.0.") {
			continue // BuildKit takes local resolvers out
		}
		if err := s.solve(t.Context(), e, "grep", line, "/etc/resolv.conf"); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := s.solve(t.Context(), e, "dial", l.Addr().String()); err != nil {
		t.Errorf("the host's network: %v", err)
	}
}

// marked returns a duration that no other process sleeps for, and how many
// steps do.
func marked() (duration string, count func() int) {
	duration = strconv.Itoa(100000+os.Getpid()) + "s"
	return duration, func() int {
		n := 0
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, f := range files {
			if data, err := os.ReadFile(f); err == nil && string(data) == "/step\x00sleep\x00"+duration+"\x00" {
				n++
			}
		}
		return n
	}
}

// awaitStep returns once holds is true, which tells that the step runs.
func (s *site) awaitStep(holds func() bool) {
	s.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatal("the step does not start")
		}
	}
}

func TestKilledDaemonIsCleanedUp(t *testing.T) {
	s := newSite(t)
	e := s.find(s.options())
	duration, count := marked()
	ended := make(chan error, 1)
	go func() { ended <- s.solve(t.Context(), e, "sleep", duration) }()
	s.awaitStep(func() bool { return count() == 1 })
	if err := syscall.Kill(s.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the solve did not notice")
	}
	if count() != 1 {
		t.Error("the step died with its daemon: the test shows nothing")
	}
	again := s.find(s.options())
	if n := count(); n != 0 {
		t.Errorf("%d leftover steps still run", n)
	}
	s.noMounts()
	if err := s.solve(t.Context(), again, "sleep", "0s"); err != nil {
		t.Errorf("after the clean-up: %v", err)
	}
	s.close(e)
	s.close(again)
}

func TestCloseDuringSolve(t *testing.T) {
	for _, cancelled := range []bool{true, false} {
		t.Run(fmt.Sprintf("cancelled %t", cancelled), func(t *testing.T) {
			s := newSite(t)
			e := s.find(s.options())
			duration, count := marked()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- s.solve(ctx, e, "sleep", duration) }()
			s.awaitStep(func() bool { return count() == 1 })
			if cancelled {
				cancel()
			}
			s.close(e)
			if n := count(); n != 0 {
				t.Errorf("%d steps still run", n)
			}
			if err := <-ended; err == nil {
				t.Error("the solve succeeded")
			}
		})
	}
}

func TestUnmountBelow(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	inner := filepath.Join(dir, "a b", "inner")
	for _, d := range []string{filepath.Join(dir, "a b"), inner} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("none", d, "tmpfs", 0, "size=64k"); err != nil {
			t.Skipf("cannot mount here: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(d, syscall.MNT_DETACH) })
	}
	if err := unmountBelow(dir); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if left := mountPoints(string(table), dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
