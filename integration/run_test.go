package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/console"
	"github.com/medbuild/medbuild/integration/kit"
)

const runProject = `
[image]
name = "test/run"
version = "1"

[bases.trixie]
tar = "BASE"

[targets.plain]
base = "trixie"
components = []

[targets.rich]
base = "trixie"
components = []
entrypoint = ["/usr/bin/env"]
cmd = ["sh", "-c", "echo own command"]
workdir = "/srv"
user = "nobody"
path = ["/opt/tool/bin"]
env = { TOOL = "here" }
`

// TestRun runs commands inside targets, all on one engine.
func TestRun(t *testing.T) {
	kit.EmptyEngine(t)
	dir := kit.Project(t, runProject)
	in := runner{file: filepath.Join(dir, "components.toml")}
	in.run(t, "--target", "plain", "--", "true").OK(t) // unpacks the base
	for _, test := range []struct {
		name string
		run  func(*testing.T, runner)
	}{
		{"Streams", testRunStreams},
		{"ExitCode", testRunExitCode},
		{"Configuration", testRunConfiguration},
		{"Folders", testRunFolders},
		{"FoldersEmpty", testRunFoldersEmpty},
		{"Interrupt", testRunInterrupt},
		{"Terminal", testRunTerminal},
		{"Wrong", testRunWrong},
		{"DuAndPrune", testDuAndPrune},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, in) })
	}
}

// runner runs commands inside the targets of a file.
type runner struct{ file string }

func (r runner) cmd(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return kit.Command(t, append([]string{"run", "-f", r.file}, args...)...)
}

func (r runner) run(t *testing.T, args ...string) kit.Result {
	t.Helper()
	return kit.Finish(t, r.cmd(t, args...))
}

// sh runs a script inside the plain target, with options before it.
func (r runner) sh(t *testing.T, script string, options ...string) kit.Result {
	t.Helper()
	return r.run(t, slices.Concat([]string{"--target", "plain"}, options, []string{"--", "sh", "-c", script})...)
}

func testRunStreams(t *testing.T, in runner) {
	got := in.sh(t, "echo out; echo err >&2").OK(t)
	if got.Stdout != "out\n" || got.Stderr != "err\n" {
		t.Errorf("stdout %q and stderr %q are not the command's alone", got.Stdout, got.Stderr)
	}
	data := bytes.Repeat([]byte{0, 1, 2, '\n', '\r', 0xff, 'x'}, 300_000)
	cmd := in.cmd(t, "--target", "plain", "--", "cat")
	cmd.Stdin = bytes.NewReader(data)
	if got := kit.Finish(t, cmd).OK(t); got.Stdout != string(data) {
		t.Errorf("%d bytes came back of %d", len(got.Stdout), len(data))
	}
	// A command need not read all of its input.
	cmd = in.cmd(t, "--target", "plain", "-v", t.TempDir()+":/out", "--", "sh", "-c", "head -c 4 | wc -c; exit 6")
	cmd.Stdin = bytes.NewReader(bytes.Repeat(data, 5))
	if got := kit.Finish(t, cmd); got.Code != 6 || got.Stdout != "4\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", got.Code, got.Stdout, got.Stderr)
	}
	// An input that nobody ends must not keep a command that has ended.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	cmd = in.cmd(t, "--target", "plain", "--", "true")
	cmd.Stdin = r
	if got := kit.Finish(t, cmd); got.Code != 0 {
		t.Errorf("exit code %d: %s", got.Code, got.Stderr)
	}
}

func testRunExitCode(t *testing.T, in runner) {
	for _, code := range []int{1, 42, 137, 255} {
		got := in.sh(t, fmt.Sprintf("exit %d", code))
		if got.Code != code || got.Stderr != "" {
			t.Errorf("exit code %d, want %d; stderr %q", got.Code, code, got.Stderr)
		}
	}
	if got := in.run(t, "--target", "plain", "--", "no-such-program"); got.Code == 0 || !strings.Contains(got.Stderr, "no-such-program") {
		t.Errorf("exit code %d of a program that is not there: %s", got.Code, got.Stderr)
	}
}

func testRunConfiguration(t *testing.T, in runner) {
	if got := in.run(t, "--target", "rich").OK(t); got.Stdout != "own command\n" {
		t.Errorf("the image's command says %q", got.Stdout)
	}
	got := in.run(t, "--target", "rich", "-e", "GIVEN=1", "--", "sh", "-c", `id -un; pwd; echo $TOOL $GIVEN $PATH`).OK(t)
	want := "nobody\n/srv\nhere 1 /opt/tool/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	if got.Stdout != want {
		t.Errorf("the image's configuration gives %q, want %q", got.Stdout, want)
	}
	got = in.run(t, "--target", "rich", "-u", "0:7", "-w", "/new/folder", "--entrypoint", "id", "--", "-g").OK(t)
	if got.Stdout != "7\n" {
		t.Errorf("id -g says %q", got.Stdout)
	}
	got = in.run(t, "--target", "rich", "-w", "/new/folder", "--entrypoint", "", "pwd").OK(t)
	if got.Stdout != "/new/folder\n" {
		t.Errorf("pwd says %q", got.Stdout)
	}
}

func testRunFolders(t *testing.T, in runner) {
	dir := t.TempDir()
	for name, text := range map[string]string{"in/data": "input", "work/a": "a", "work/gone/b": "b", "work/owned": "mine"} {
		kit.WriteFile(t, filepath.Join(dir, name), text)
	}
	if err := os.Chown(filepath.Join(dir, "work/owned"), 1234, 5678); err != nil {
		t.Fatal(err)
	}
	before := kit.Must(os.Stat(filepath.Join(dir, "work/owned")))(t)
	got := in.sh(t, `set -e; cat /in/data; ! touch /in/x 2>/dev/null; stat -c %u:%g owned
		echo more >>a; rm -r gone; mkdir -p new/deep; echo made >new/deep/f; chmod 2750 new/deep; chown 7:8 new/deep/f
		ln -s /etc/passwd link; sleep 1000 & exit 3`,
		"-v", filepath.Join(dir, "in")+":/in:ro", "-v", filepath.Join(dir, "work")+":/work", "-w", "/work")
	if got.Code != 3 || got.Stdout != "input1234:5678\n" {
		t.Fatalf("exit code %d, stdout %q, stderr %q", got.Code, got.Stdout, got.Stderr)
	}
	files := kit.Must(exec.Command("find", dir, "-mindepth", "1", "-printf", `%P %y %m %U:%G %l\n`).Output())(t)
	have := strings.Split(strings.TrimSuffix(string(files), "\n"), "\n")
	slices.Sort(have)
	want := []string{
		"in d 755 0:0 ", "in/data f 644 0:0 ", "work d 755 0:0 ", "work/a f 644 0:0 ",
		"work/link l 777 0:0 /etc/passwd", "work/new d 755 0:0 ", "work/new/deep d 2750 0:0 ",
		"work/new/deep/f f 644 7:8 ", "work/owned f 644 1234:5678 ",
	}
	if !slices.Equal(have, want) {
		t.Errorf("the folders hold\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	if text := kit.Must(os.ReadFile(filepath.Join(dir, "work/a")))(t); string(text) != "amore\n" {
		t.Errorf("a is %q", text)
	}
	if after := kit.Must(os.Stat(filepath.Join(dir, "work/owned")))(t); !os.SameFile(before, after) {
		t.Error("a file that did not change was replaced")
	}
	if kept := kit.Medbuild(t, "du", "--verbose", "--filter", "description=run-").OK(t); strings.Contains(kept.Stdout, "local source") {
		t.Errorf("the engine keeps folders of a run that has ended:\n%s", kept.Stdout)
	}
}

func testRunFoldersEmpty(t *testing.T, in runner) {
	dir := t.TempDir()
	in.sh(t, "echo 1 >/out/result", "-v", dir+":/out").OK(t)
	if text := kit.Must(os.ReadFile(filepath.Join(dir, "result")))(t); string(text) != "1\n" {
		t.Errorf("result is %q", text)
	}
}

func testRunInterrupt(t *testing.T, in runner) {
	dir := t.TempDir()
	for _, test := range []struct {
		name, script string
		signal       syscall.Signal
		code         int
	}{
		{"deaf", "echo up; sleep 1000", syscall.SIGINT, 130},
		{"deaf to the end", "trap '' TERM; echo up; sleep 1000", syscall.SIGTERM, 143},
		{"heeds", "trap 'echo bye; exit 9' TERM; echo up; while :; do sleep .05; done", syscall.SIGTERM, 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := in.cmd(t, "--target", "plain", "-v", dir+":/out", "--", "sh", "-c", "echo kept >/out/kept; "+test.script)
			stdout := kit.Must(cmd.StdoutPipe())(t)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(stdout, make([]byte, len("up\n"))); err != nil {
				t.Fatal(err)
			}
			told := time.Now()
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, stdout)
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			// It has a second to end by itself; other tests may have the processors.
			if took := time.Since(told); took > 30*time.Second {
				t.Errorf("took %v to end", took)
			}
			if text := kit.Must(os.ReadFile(filepath.Join(dir, "kept")))(t); string(text) != "kept\n" {
				t.Errorf("what an interrupted command wrote is %q", text)
			}
		})
	}
}

// testRunTerminal runs a command in a terminal whose size changes, and presses
// Ctrl-C.
func testRunTerminal(t *testing.T, in runner) {
	pty, name, err := console.NewPty()
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	defer pty.Close()
	tty := kit.Must(os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0))(t)
	if err := pty.Resize(console.WinSize{Height: 31, Width: 97}); err != nil {
		t.Fatal(err)
	}
	cmd := in.cmd(t, "--target", "plain", "--", "sh", "-c",
		`trap 'echo "<interrupted>"; exit 11' INT; while :; do echo "<$(stty size)>"; sleep .1; done`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	screen := newScreen(pty)
	screen.await(t, "<31 97>\r\n")
	if err := pty.Resize(console.WinSize{Height: 40, Width: 120}); err != nil {
		t.Fatal(err)
	}
	screen.await(t, "<40 120>\r\n")
	if _, err := pty.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	screen.await(t, "<interrupted>")
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 11 {
		t.Errorf("exit code %d, want the command's 11", code)
	}
	if out := kit.Must(exec.Command("stty", "-a", "-F", name).Output())(t); !strings.Contains(string(out), " icanon") || !strings.Contains(string(out), " echo ") {
		t.Errorf("the terminal was not given back as it was:\n%s", out)
	}
	_ = tty.Close()
}

// screen is what a terminal has shown.
type screen struct {
	news chan string
	text string
}

func newScreen(r io.Reader) *screen {
	s := &screen{news: make(chan string, 1000)}
	go func() {
		defer close(s.news)
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			if err != nil {
				return
			}
			s.news <- string(buf[:n])
		}
	}()
	return s
}

func (s *screen) await(t *testing.T, want string) {
	t.Helper()
	limit := time.After(time.Minute)
	for !strings.Contains(s.text, want) {
		select {
		case more, ok := <-s.news:
			if !ok {
				t.Fatalf("the terminal closed before %q; it shows %q", want, s.text)
			}
			s.text += more
		case <-limit:
			t.Fatalf("the terminal does not show %q but %q", want, s.text)
		}
	}
}

func testRunWrong(t *testing.T, in runner) {
	for want, args := range map[string][]string{
		`no target or component "none"`: {"--target", "none", "--", "true"},
		"no target given":               {"--", "true"},
		"mkdir -p":                      {"--target", "plain", "-v", "absent:/x", "--", "true"},
		"standard input is not a term":  {"--target", "plain", "-t", "--", "true"},
	} {
		if got := in.run(t, args...); got.Code != 2 || !strings.Contains(got.Stderr, want) {
			t.Errorf("%q: exit code %d, stderr %q; want 2 and %q", args, got.Code, got.Stderr, want)
		}
	}
	if got := in.run(t, "--target", "plain"); got.Code != 1 || !strings.Contains(got.Stderr, "no command of its own") {
		t.Errorf("nothing to run: exit code %d, stderr %q", got.Code, got.Stderr)
	}
}

func testDuAndPrune(t *testing.T, _ runner) {
	type usage struct {
		Total, Reclaimable int64
		Kinds              []struct{ Kind string }
	}
	ask := func() (u usage) {
		t.Helper()
		if err := json.Unmarshal([]byte(kit.Medbuild(t, "du", "--format", "json").OK(t).Stdout), &u); err != nil {
			t.Fatal(err)
		}
		return u
	}
	before := ask()
	if before.Total < 50e6 || before.Reclaimable < 50e6 || len(before.Kinds) == 0 {
		t.Errorf("the engine says it keeps %+v; the base alone is more", before)
	}
	if table := kit.Medbuild(t, "du").OK(t).Stdout; !strings.Contains(table, "source.local") || !strings.Contains(table, "\ntotal ") {
		t.Errorf("the table is\n%s", table)
	}
	kit.Medbuild(t, "prune", "--keep-storage", "100GB").OK(t)
	if after := ask(); after.Total != before.Total {
		t.Errorf("%d bytes are left of %d although all were to be kept", after.Total, before.Total)
	}
	kit.Medbuild(t, "prune", "--filter", "type=source.local").OK(t)
	if after := ask(); after.Total >= before.Total || slices.ContainsFunc(after.Kinds, func(k struct{ Kind string }) bool { return k.Kind == "source.local" }) {
		t.Errorf("after a prune of local sources the engine keeps %+v", after)
	}
	if out := kit.Medbuild(t, "prune", "--all", "--force").OK(t).Stdout; !strings.Contains(out, "MB") {
		t.Errorf("the prune says %q", out)
	}
	if after := ask(); after.Total != 0 {
		t.Errorf("%d bytes are left after a prune of everything", after.Total)
	}
	for _, args := range [][]string{{"prune", "--keep-storage", "much"}, {"prune", "now"}, {"du", "--filter", "x=y"}, {"du", "--format", "xml"}} {
		if got := kit.Medbuild(t, args...); got.Code != 2 {
			t.Errorf("%q: exit code %d, want 2: %s", args, got.Code, got.Stderr)
		}
	}
}
