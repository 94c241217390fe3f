package run

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const toolImage = "docker.io/library/tool@sha256:" + testkit.SHA256

// session is one on the engine; its progress is never shown.
func session(t *testing.T, e *solvetest.Engine) *solve.Session {
	t.Helper()
	progress, err := solve.NewProgress(t.Context(), io.Discard, "quiet")
	if err != nil {
		t.Fatal(err)
	}
	return solve.New(e, solve.Settings{Platform: "linux/amd64", Files: base.New("", "").Files, Progress: progress})
}

func tool() assemble.Image {
	state := llb.Image(toolImage)
	img := assemble.Image{Name: "tool", Root: state, State: state}
	img.Config.Cmd, img.Config.User = []string{"shell"}, "1000"
	return img
}

// prepared is a command on the engine, whose progress has ended.
func prepared(t *testing.T, e *solvetest.Engine, c Command) *Prepared {
	t.Helper()
	s := session(t, e)
	c.Image = tool()
	p, err := Prepare(t.Context(), s, e, c)
	if err := errors.Join(err, s.Progress.Close()); err != nil {
		t.Fatal(err)
	}
	return p
}

// said is a stream that is read once it was written to its end.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) Close() error { return nil }

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func quiet() Stdio {
	return Stdio{Stdout: &said{}, Stderr: &said{}, Starting: func() error { return nil }}
}

func TestRun(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Command: func(p solvetest.Process) int {
		in, _ := io.ReadAll(p.Stdin)
		fmt.Fprintf(p.Stdout, "%q as %s in %s, network %s: %s", p.Args, p.User, p.Cwd, p.Network, in)
		fmt.Fprint(p.Stderr, "warning")
		return 3
	}}
	p := prepared(t, e, Command{Args: []string{"wc", "-c"}, WorkingDir: "/w"})
	std, out, errs := quiet(), &said{}, &said{}
	std.Stdin, std.Stdout, std.Stderr = io.NopCloser(strings.NewReader("input")), out, errs
	code, err := p.Run(t.Context(), std)
	if want := `["wc" "-c"] as 1000 in /w, network UNSET: input`; err != nil || code != 3 || out.String() != want || errs.String() != "warning" {
		t.Errorf("code %d, %v: %q and %q", code, err, out.String(), errs.String())
	}
}

// An engine that gives up the stream of a process may send the end of its output
// after the word that all is done.
func TestLastOutputIsKept(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{LastWords: "and the end", Command: func(p solvetest.Process) int {
		fmt.Fprint(p.Stdout, "the beginning ")
		return 4
	}}
	std, out := quiet(), &said{}
	std.Stdout = out
	code, err := prepared(t, e, Command{}).Run(t.Context(), std)
	if err != nil || code != 4 || out.String() != "the beginning and the end" {
		t.Errorf("code %d, %v: %q", code, err, out.String())
	}
}

// Output that cannot be written ends the run, also while input is open.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Command: func(p solvetest.Process) int {
		fmt.Fprint(p.Stdout, "output")
		<-p.Signals
		return 143
	}}
	std := quiet()
	std.Stdout = unwritable{}
	in, w := io.Pipe()
	defer w.Close()
	std.Stdin = in
	ended := make(chan error, 1)
	go func() {
		_, err := prepared(t, e, Command{}).Run(t.Context(), std)
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), "write standard output of the command: ") {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the run goes on")
	}
}

// unwritable is a stream on a full disk.
type unwritable struct{}

func (unwritable) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func (unwritable) Close() error { return nil }

// What a command reads is sent through a queue, as fast as that empties.
func TestRunWithMuchInput(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Command: func(p solvetest.Process) int {
		_, _ = io.Copy(p.Stdout, p.Stdin)
		return 0
	}}
	std, out := quiet(), &said{}
	std.Stdin, std.Stdout = io.NopCloser(io.LimitReader(zeros{}, 5*maxQueued)), out
	code, err := prepared(t, e, Command{}).Run(t.Context(), std)
	if err != nil || code != 0 || len(out.String()) != 5*maxQueued {
		t.Errorf("code %d, %v, %d bytes", code, err, len(out.String()))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A source that fails and comes when it is asked for again is no failure of run.
func TestRunRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("failed to load cache key: unexpected EOF")
		fetched := "docker-image://" + toolImage
		e := &solvetest.Engine{Fail: map[string][]error{fetched: {broken}}, Command: func(solvetest.Process) int { return 0 }}
		p := prepared(t, e, Command{})
		e.Fail[fetched] = []error{broken, broken}
		started := 0
		std := quiet()
		std.Starting = func() error { started++; return nil }
		if code, err := p.Run(t.Context(), std); code != 0 || err != nil || started != 1 {
			t.Errorf("code %d, %v, started %d times", code, err, started)
		}
	})
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	failed := errors.New("no")
	for name, c := range map[string]struct {
		engine *solvetest.Engine
		start  error
		says   string
	}{
		"image":     {&solvetest.Engine{Fail: map[string][]error{"docker-image://" + toolImage: {nil, errors.New("not found")}}}, nil, "fetch " + toolImage + ": not found"},
		"container": {&solvetest.Engine{Fail: map[string][]error{"container": {failed}}}, nil, "make a container of tool: no"},
		"stream":    {&solvetest.Engine{NoStream: failed}, nil, "make a container of tool: no"},
		"start":     {&solvetest.Engine{}, failed, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			std := quiet()
			std.Starting = func() error { return c.start }
			_, err := prepared(t, c.engine, Command{}).Run(t.Context(), std)
			testkit.WantText(t, err, c.says)
		})
	}
}

func TestPrepareFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := &solvetest.Engine{Fail: map[string][]error{"docker-image://" + toolImage: {errors.New("not found")}}}
	s := session(t, e)
	_, err := Prepare(t.Context(), s, e, Command{Image: tool(), Mounts: []Mount{{Host: dir, Container: "/data"}}})
	testkit.WantText(t, err, "fetch "+toolImage+": not found", "hint: check the image's name")
	if len(e.Pruned()) != 1 {
		t.Errorf("removed %q, want the folder", e.Pruned())
	}
	_, err = Prepare(t.Context(), s, e, Command{Image: tool(), Mounts: []Mount{{Host: filepath.Join(dir, "absent")}}})
	testkit.WantText(t, err, "folder "+filepath.Join(dir, "absent"))
	img := tool()
	img.Config.Cmd = nil
	if err := s.Progress.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := Prepare(t.Context(), s, &solvetest.Engine{}, Command{Image: img})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(t.Context(), quiet())
	testkit.WantText(t, err, "the image has no command of its own\nhint: name one after --")
}

// A command gets signals, and the terminal's sizes; it decides what to make of
// them.
func TestSignals(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Command: func(p solvetest.Process) int {
		size := <-p.Sizes
		fmt.Fprint(p.Stdout, size, <-p.Signals)
		return 7
	}}
	resize, signals, out := make(chan gateway.WinSize, 1), make(chan os.Signal, 2), &said{}
	resize <- gateway.WinSize{Cols: 80, Rows: 24}
	std := quiet()
	std.TTY, std.Stdout, std.Resize, std.Signals = true, out, resize, signals
	p := prepared(t, e, Command{})
	signals <- syscall.SIGALRM // of every system, and none that ends a command
	code, err := p.Run(t.Context(), std)
	if err != nil || code != 7 || out.String() != "[80 24]ALRM" {
		t.Errorf("code %d, %v: %q", code, err, out.String())
	}
}

// A command that does not end upon an interrupt is killed; its exit code tells of
// the interrupt.
func TestInterruptedCommandIsKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Command: func(p solvetest.Process) int {
			for s := range p.Signals {
				if s == "KILL" {
					return 137
				}
			}
			return 0
		}}
		signals := make(chan os.Signal, 2)
		std := quiet()
		std.Signals = signals
		p := prepared(t, e, Command{})
		from := time.Now()
		signals <- notOfThisSystem{}
		signals <- syscall.SIGINT
		code, err := p.Run(t.Context(), std)
		if err != nil || code != 130 || time.Since(from) != endLimit {
			t.Errorf("code %d, %v, after %s", code, err, time.Since(from))
		}
	})
}

type notOfThisSystem struct{}

func (notOfThisSystem) String() string { return "none" }
func (notOfThisSystem) Signal()        {}

// With the engine the command is gone; another run may do better.
func TestEngineIsLost(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Command: func(p solvetest.Process) int {
		p.Break(status.Error(codes.Unavailable, "error reading from server: EOF"))
		<-p.Killed
		return 0
	}}
	_, err := prepared(t, e, Command{}).Run(t.Context(), quiet())
	testkit.WantText(t, err, "lost the engine: ", "error reading from server: EOF")
	if problem.ExitCode(err) != 75 {
		t.Errorf("exit code %d", problem.ExitCode(err))
	}
}

// Where killing does not help either the run is cancelled.
func TestStuckCommandIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Command: func(p solvetest.Process) int { <-p.Killed; return 0 }}
		signals := make(chan os.Signal, 1)
		std := quiet()
		std.Signals = signals
		p := prepared(t, e, Command{})
		signals <- syscall.SIGTERM
		from := time.Now()
		if _, err := p.Run(t.Context(), std); !errors.Is(err, context.Canceled) || time.Since(from) != 2*endLimit {
			t.Errorf("%v after %s", err, time.Since(from))
		}
	})
}

// packing is an engine whose command is tar, on a folder here that stands for
// the mounted one; the first command changes that.
func packing(t *testing.T, change func(dir string)) (e *solvetest.Engine, dir string) {
	t.Helper()
	dir = t.TempDir()
	return &solvetest.Engine{Command: func(p solvetest.Process) int {
		if p.Args[0] != "tar" {
			change(dir)
			return 0
		}
		if i := slices.IndexFunc(p.Mounts, func(m *pb.Mount) bool { return m.Dest == p.Args[7] }); i < 0 || p.User != "0" {
			fmt.Fprintf(p.Stderr, "%q as %s", p.Args, p.User)
			return 2
		}
		w := tar.NewWriter(p.Stdout)
		if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close()); err != nil {
			return 1
		}
		return 0
	}}, dir
}

// A folder is sent, and what the command changed is written back.
func TestVolume(t *testing.T) {
	t.Parallel()
	e, there := packing(t, func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "result"), []byte("made"), 0o644); err != nil {
			t.Error(err)
		}
	})
	host, input := t.TempDir(), t.TempDir()
	for _, dir := range []string{host, there} {
		if err := os.WriteFile(filepath.Join(dir, "kept"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(host, "gone"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := prepared(t, e, Command{Mounts: []Mount{{Host: host, Container: "/work"}, {Host: input, Container: "/in", Readonly: true}}})
	if code, err := p.Run(t.Context(), quiet()); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	var names []string
	entries, err := os.ReadDir(host)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err != nil || !slices.Equal(names, []string{"kept", "result"}) {
		t.Errorf("%q, %v", names, err)
	}
	if pruned := e.Pruned(); len(pruned) != 2 || !strings.HasPrefix(pruned[0], "description~=run-") {
		t.Errorf("removed %q", pruned)
	}
}

func TestVolumeIsNotWrittenBack(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Command: func(p solvetest.Process) int {
		if p.Args[0] == "tar" {
			fmt.Fprintln(p.Stderr, "tar: not found")
			return 127
		}
		return 0
	}}
	host := t.TempDir()
	p := prepared(t, e, Command{Mounts: []Mount{{Host: host, Container: "/work"}}})
	_, err := p.Run(t.Context(), quiet())
	testkit.WantText(t, err, "write /work back to "+host+": ", "tar: not found\nhint: folders are written back by tar")
	if problem.ExitCode(err) != 1 {
		t.Errorf("exit code %d", problem.ExitCode(err))
	}
}

func TestCancelledBeforeItStarts(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{}
	p := prepared(t, e, Command{})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user's wish")
	std := quiet()
	std.Starting = func() error { cancel(why); return why }
	if _, err := p.Run(ctx, std); !errors.Is(err, why) {
		t.Error(err)
	}
}
