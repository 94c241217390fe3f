package solve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/tonistiigi/fsutil"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	archive = "https://files.example/tool.zip"
	pin     = "sha256:" + testkit.SHA256
	compile = "[tool] compile"
)

// session is a session on an engine of the tests, and what it tells the user.
type session struct {
	*solve.Session
	mu      sync.Mutex
	notices []string
}

// on begins a session; end it before the test's bubble ends.
func on(t *testing.T, e solve.Engine, s solve.Settings) *session {
	t.Helper()
	var err error
	if s.Progress, err = solve.NewProgress(t.Context(), io.Discard, "plain"); err != nil {
		t.Fatal(err)
	}
	out := &session{}
	if s.Files == nil {
		s.Files = base.New("", "").Files
	}
	s.Platform = "linux/amd64"
	s.Say = func(n string) {
		out.mu.Lock()
		defer out.mu.Unlock()
		out.notices = append(out.notices, n)
	}
	out.Session = solve.New(e, s)
	return out
}

func (s *session) end(t *testing.T) {
	t.Helper()
	if err := s.Progress.Close(); err != nil {
		t.Error(err)
	}
}

func (s *session) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.notices, "\n")
}

// tool is a state that fetches the archive and compiles it.
func tool() llb.State { return made("tool", archive) }

func made(component, address string) llb.State {
	source := llb.Input{Kind: llb.Archive, Address: address, Pin: pin}.Fetch(component, llb.Location{})
	return llb.Step{Component: component, Action: "compile", On: llb.Image("docker.io/library/debian@" + pin),
		Script: "make", Inputs: []llb.Mount{{Target: "/src", State: source}}}.Root()
}

// job solves states one after the other.
func job(states ...llb.State) solve.Job {
	return solve.Job{Work: func(ctx context.Context, c *solve.Client) (*gateway.Result, error) {
		for _, s := range states {
			if res, err := c.State(ctx, s); err != nil {
				return res, err
			}
		}
		return gateway.NewResult(), nil
	}}
}

func times(n int, err error) []error { return slices.Repeat([]error{err}, n) }

func count(all []string, one string) int {
	n := 0
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

var errReset = errors.New("failed to load cache key: Get \"https://x\": read: connection reset by peer")

func TestStateIsSolved(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Answer: map[string]string{"digest": "sha256:0"}}
	s := on(t, e, solve.Settings{})
	resp, err := s.One(t.Context(), job(tool()))
	if err != nil || resp.ExporterResponse["digest"] != "sha256:0" {
		t.Errorf("%v, %v", resp, err)
	}
	s.end(t)
	work := s.Progress.Record.Of(llb.Operation{Owner: llb.OfComponent, Component: "tool"})
	if work.Cached {
		t.Errorf("a step that ran is cached: %+v", work)
	}
	if got := e.Solved(); !slices.Contains(got, archive) || !slices.Contains(got, "run") {
		t.Errorf("solved %q", got)
	}
}

func TestStepFails(t *testing.T) {
	t.Parallel()
	exit := func(code uint32) error {
		return fmt.Errorf("process \"/bin/sh -c make\" did not complete successfully: %w", &gatewayapi.ExitError{ExitCode: code})
	}
	for name, c := range map[string]struct {
		err  error
		log  string
		root string
		says []string
	}{
		"exit code": {exit(2), "checking\nno compiler\n", "", []string{"tool: step [tool] compile failed: exit code: 2\n  | checking\n  | no compiler\nhint: --progress plain"}},
		"hint":      {exit(1), "too large\nhint: state its size\n", "", []string{"exit code: 1\n  | too large\nhint: state its size"}},
		"killed":    {exit(137), "", "", []string{"exit code: 137\nhint: the step was killed, most often because memory ran out"}},
		"old engine": {errors.New("failed to solve: process \"make\" did not complete successfully: exit code: 137"), "", "",
			[]string{"failed: exit code: 137\nhint: the step was killed"}},
		"disk in the log": {exit(1), "cp: No space left on device", "", []string{"exit code: 1 (no space left on the disk of the engine)", "hint: medbuild prune frees the engine's cache"}},
		"disk":            {errors.New("mkdir: no space left on device"), "", "/nowhere", []string{"(no space left on the disk of /nowhere)", "MEDBUILD_ROOT=<folder>"}},
		"no exit":         {errors.New("runc did not start"), "", "", []string{"failed: runc did not start"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &solvetest.Engine{Fail: map[string][]error{compile: times(9, c.err)}, Logs: map[string]string{compile: c.log}}
			s := on(t, e, solve.Settings{Root: c.root})
			_, err := s.One(t.Context(), job(tool()))
			s.end(t)
			testkit.WantText(t, err, c.says...)
			if strings.Contains(err.Error(), "/bin/sh") || problem.ExitCode(err) != 1 || !errors.Is(err, c.err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The line of the stage that made a step is no news for users.
func TestOwnSourceIsNamedForDebuggingAlone(t *testing.T) {
	t.Parallel()
	broken := errdefs.WithSource(errors.New("exit code: 2"), &errdefs.Source{
		Info: &pb.SourceInfo{Filename: "stages/tool.go"}, Ranges: []*pb.Range{{Start: &pb.Position{Line: 7}, End: &pb.Position{Line: 7}}}})
	for _, debug := range []bool{false, true} {
		e := &solvetest.Engine{Fail: map[string][]error{compile: {broken}}}
		s := on(t, e, solve.Settings{Debug: debug})
		_, err := s.One(t.Context(), job(tool()))
		s.end(t)
		if err == nil || strings.Contains(err.Error(), "\nmade at stages/tool.go:7") != debug {
			t.Errorf("debug is %t: %v", debug, err)
		}
	}
}

// What is wrong with the solve and no step's fault comes as it is.
func TestEngineFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code int
		says string
		path string
	}{
		"lost":         {status.Error(codes.Unavailable, "error reading from server: EOF"), 75, "error reading from server", "-"},
		"other":        {errors.New("no such frontend"), 1, "no such frontend", "-"},
		"its own disk": {errors.New("write /var/root/x: no space left on device"), 1, "(no space left on the disk of /var/root)\nhint: medbuild prune", ""},
		"an output":    {errors.New("write /home/out.tar: no space left on device"), 1, "no space left", "/home/out.tar"},
		"this machine": {fmt.Errorf("write /home/x: %w", syscall.ENOSPC), 1, "write /home/x: no space left on device", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := on(t, &solvetest.Engine{}, solve.Settings{Root: "/var/root"})
			_, err := s.One(t.Context(), solve.Job{Work: func(context.Context, *solve.Client) (*gateway.Result, error) { return nil, c.err }})
			s.end(t)
			testkit.WantText(t, err, c.says)
			path := "-"
			if full := (*solve.FullDisk)(nil); errors.As(err, &full) {
				path = full.Path
			}
			if path != c.path || problem.ExitCode(err) != c.code || !errors.Is(err, c.err) || solve.IsStep(err) {
				t.Errorf("path %q, exit code %d: %v", path, problem.ExitCode(err), err)
			}
		})
	}
}

// image is an image of the components.
func image(components ...string) assemble.Image {
	img := assemble.Image{Name: "target", At: problem.Position{File: "f", Line: 1, Col: 1}, Root: llb.Image("docker.io/library/debian@" + pin)}
	states := []llb.State{img.Root}
	for i, c := range components {
		state := made(c, "https://files.example/"+c+".zip")
		p := assemble.Part{Tested: state}
		p.Common = stage.Common{Name: c, At: problem.Position{File: "f", Line: 10 * (i + 1), Col: 1}}
		p.Inputs = []llb.Input{{Address: "https://files.example/" + c + ".zip", At: problem.Position{File: "f", Line: 10*(i+1) + 3, Col: 2}}}
		img.Parts, states = append(img.Parts, p), append(states, state)
	}
	img.State = llb.Merge(llb.Operation{Owner: llb.OfTarget, Component: "target", Action: "merge layers"}, states...)
	return img
}

func imageJob(img assemble.Image) solve.Job {
	return solve.Job{Place: solve.In(img), Work: func(ctx context.Context, c *solve.Client) (*gateway.Result, error) { return c.Image(ctx, img) }}
}

// One component's failure leaves the others' work alone.
func TestFailureKeepsOthersWork(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Fail: map[string][]error{"[a] compile": times(9, errors.New("exit code: 1")),
		"https://files.example/c.zip": times(9, errors.New("invalid response status 404"))}}
	s := on(t, e, solve.Settings{})
	_, err := s.One(t.Context(), imageJob(image("a", "b", "c")))
	s.end(t)
	testkit.WantText(t, err, "f:10:1: a: step [a] compile failed: exit code: 1", "f:33:2: c: fetch https://files.example/c.zip: the server answers 404 Not Found")
	if n := len(problem.List(err)); n != 2 {
		t.Errorf("%d errors: %v", n, err)
	}
	if work := s.Progress.Record.Of(llb.Operation{Owner: llb.OfComponent, Component: "b", Action: "compile"}); work.Cached {
		t.Error("b was not compiled")
	}
}

// Where something failed for good, another solve is no use.
func TestNoSecondSolveForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{"[a] compile": times(9, errors.New("exit code: 1")),
			"https://files.example/b.zip": {errReset}}}
		s := on(t, e, solve.Settings{})
		_, err := s.One(t.Context(), imageJob(image("a", "b")))
		s.end(t)
		if strings.Contains(err.Error(), "b.zip") || len(e.Options()) != 2 { // the work, and the source by itself
			t.Errorf("%d builds: %v", len(e.Options()), err)
		}
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	place := solve.In(image("a"))
	for _, c := range []struct {
		owner            llb.Owner
		of, source, want string
	}{
		{llb.OfComponent, "a", "", "f:10:1 a"},
		{llb.OfComponent, "a", "https://files.example/a.zip", "f:13:2 a"},
		{llb.OfTarget, "target", "", "f:1:1 target"},
		{llb.OfComponent, "absent", "", " absent"},
		{llb.OfBase, "base", "", " base"},
	} {
		o := place(llb.Operation{Owner: c.owner, Component: c.of}, c.source, "")
		if got := o.At.String() + " " + o.Subject; got != c.want {
			t.Errorf("%s %s, %s: %q, want %q", c.owner, c.of, c.source, got, c.want)
		}
	}
}

// Jobs that are done are not done again when others are.
func TestJobsSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &solvetest.Engine{Fail: map[string][]error{"https://files.example/b.zip": {errReset}, "[c] compile": times(9, errors.New("exit code: 1"))}}
		s := on(t, e, solve.Settings{})
		done := map[string]int{}
		var mu sync.Mutex
		counted := func(name string) solve.Job {
			j := job(made(name, "https://files.example/"+name+".zip"))
			return solve.Job{Work: func(ctx context.Context, c *solve.Client) (*gateway.Result, error) {
				mu.Lock()
				done[name]++
				mu.Unlock()
				return j.Work(ctx, c)
			}}
		}
		out, errs := s.Do(t.Context(), counted("a"), counted("b"), counted("c"))
		s.end(t)
		if errs[0] != nil || errs[1] != nil || errs[2] == nil || out[0] == nil || out[1] == nil || out[2] != nil {
			t.Errorf("%v, %v", out, errs)
		}
		if done["a"] != 1 || done["b"] != 2 || done["c"] != 1 {
			t.Errorf("done %v", done)
		}
	})
}

func TestBuildIsToldWhatItNeeds(t *testing.T) {
	t.Parallel()
	dir, err := fsutil.NewFS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files := base.New("", "").Files
	files.Dirs["base-x"] = dir
	e := &solvetest.Engine{}
	s := on(t, e, solve.Settings{Files: files, HostNetwork: true, NoCache: solve.NoCache{Components: []string{"tool"}},
		Imports: []client.CacheOptionsEntry{{Type: "registry"}}})
	caches := []client.CacheOptionsEntry{{Type: "inline"}}
	for _, folders := range []map[string]fsutil.FS{nil, {"data": dir}} {
		j := job(tool())
		j.Caches, j.Folders = caches, folders
		if _, err := s.One(t.Context(), j); err != nil {
			t.Error(err)
		}
	}
	s.end(t)
	all := e.Options()
	if len(all[0].LocalMounts) != 1 || len(all[1].LocalMounts) != 0 || len(all[0].Session) != 0 || len(all[1].Session) != 1 {
		t.Errorf("folders are served as %+v", all)
	}
	if all[0].Ref == all[1].Ref || len(all[0].CacheExports) != 1 || len(all[0].AllowedEntitlements) != 1 {
		t.Errorf("%+v", all[0])
	}
	if s.Network() != 1 || on(t, e, solve.Settings{}).Network() != 0 {
		t.Error("containers have another network than steps")
	}
}

// Once the display has ended solves are recorded alone.
func TestSolveAfterTheDisplay(t *testing.T) {
	t.Parallel()
	s := on(t, &solvetest.Engine{}, solve.Settings{})
	s.end(t)
	if _, err := s.One(t.Context(), job(tool())); err != nil {
		t.Error(err)
	}
}

func TestUnknownProgress(t *testing.T) {
	t.Parallel()
	if _, err := solve.NewProgress(t.Context(), io.Discard, "loud"); err == nil {
		t.Error("a display that does not exist is shown")
	}
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	if p := solve.Platform("linux/arm/v7"); p.OS != "linux" || p.Architecture != "arm" || p.Variant != "v7" {
		t.Errorf("%+v", p)
	}
}
