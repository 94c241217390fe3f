package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
)

// output gathers what a command that still runs has printed.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}

// started starts the command in a process group of its own, as a shell does,
// and waits until its standard error has the text.
func started(t *testing.T, cmd *exec.Cmd, text string) *output {
	t.Helper()
	out := &output{}
	cmd.Stderr = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	kit.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // no use when it has ended
	missing := kit.Eventually(2*time.Minute, func() string {
		if strings.Contains(out.String(), text) {
			return ""
		}
		return text
	})
	if missing != "" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Fatalf("%q was not printed: %s", text, out)
	}
	return out
}

// slowProject is a project whose build takes ten minutes, and how long its step
// sleeps: a number by which the step is found.
func slowProject(t *testing.T) (dir, sleep string) {
	t.Helper()
	sleep = fmt.Sprintf("600.%d", time.Now().UnixNano())
	return kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, kit.Site(t), standins.SlowConfigure(sleep)))), sleep
}

func slowBuild(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	return kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--output", "type=oci,dest=out.tar"))
}

// Ctrl-C reaches every process of the terminal's group. The command ends within
// two seconds, and neither it nor the engine nor the step is left. The best of a
// few tries counts: other tests may have the processors.
func TestInterrupt(t *testing.T) {
	root := kit.SharedEngine(t)
	took := time.Hour
	for try := 0; try < 3 && took > 2*time.Second; try++ {
		took = min(took, interrupted(t, root))
	}
	if took > 2*time.Second {
		t.Errorf("stopping took %s", took)
	}
	hungUp(t, root)
}

// hungUp starts a build and closes its terminal, which takes the readers of its
// output along. The command cleans up although nobody hears of it.
func hungUp(t *testing.T, root string) {
	t.Helper()
	// A signal that is ignored here, as under nohup, would be ignored there too.
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	dir, sleep := slowProject(t)
	cmd := slowBuild(t, dir)
	stderr := kit.Must(cmd.StderrPipe())(t)
	kit.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // no use when it has ended
	text := make([]byte, 64)
	for said := ""; !strings.Contains(said, "configuring"); said = said[max(0, len(said)-64):] {
		n := kit.Must(stderr.Read(text))(t)
		said += string(text[:n])
	}
	kit.NoError(t, stderr.Close())
	kit.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("hung up: exit code %d (%s), want 130", code, cmd.ProcessState)
	}
	clean(t, root, dir, sleep)
}

// interrupted starts a build and stops it, and returns how long that took.
func interrupted(t *testing.T, root string) time.Duration {
	t.Helper()
	dir, sleep := slowProject(t)
	cmd := slowBuild(t, dir)
	out := started(t, cmd, "configuring")
	began := time.Now()
	kit.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
	_ = cmd.Wait()
	took := time.Since(began)
	t.Logf("stopped in %s", took)
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.HasSuffix(out.String(), "medbuild: interrupted\n") {
		t.Errorf("exit code %d, want 130: %s", code, out)
	}
	clean(t, root, dir, sleep)
	return took
}

// clean fails the test when an engine, a step or a file is left of a build.
func clean(t *testing.T, root, dir, sleep string) {
	t.Helper()
	if left := kit.LeftBy(filepath.Dir(root)); left != "" {
		t.Error(left)
	}
	if step := stepLeft(sleep); step != "" {
		t.Errorf("the step is left: %s", step)
	}
	onlyProject(t, dir)
}

// onlyProject fails the test when a build left an output in the folder.
func onlyProject(t *testing.T, dir string) {
	t.Helper()
	for _, e := range kit.Must(os.ReadDir(dir))(t) {
		if e.Name() != "components.toml" {
			t.Errorf("the build left %s", e.Name())
		}
	}
}

// A run that was killed leaves an engine, which the next one adopts and stops.
func TestKilledAndRunAgain(t *testing.T) {
	kit.SharedEngine(t)
	dir, sleep := slowProject(t)
	cmd := slowBuild(t, dir)
	started(t, cmd, "configuring")
	if stepLeft(sleep) == "" {
		t.Fatal("the step is not found")
	}
	kit.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	if left := kit.Eventually(20*time.Second, func() string { return stepLeft(sleep) }); left != "" {
		t.Errorf("the killed run's step goes on: %s", left)
	}
	again := kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, kit.Site(t), kit.Own(t, standins.GoodConfigure))))
	kit.Built(t, again, "--output", "type=oci,dest=out.tar").OK(t)
	if _, err := os.Stat(filepath.Join(again, "out.tar")); err != nil {
		t.Error(err)
	}
}

// stepLeft is the step's process, "" when there is none.
func stepLeft(sleep string) string {
	out, _ := exec.Command("pgrep", "-a", "-f", "^sleep "+sleep).Output()
	return string(out)
}

// Two builds at once share one engine; the first to end leaves it to the other.
func TestTwoBuildsAtOnce(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	dirs := []string{
		kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, s, kit.Own(t, standins.GoodConfigure+"import time; time.sleep(2)\n")))),
		kit.Project(t, kit.Components("ants", standins.ANTs(t, s, kit.Own(t, standins.GoodANTs)))),
	}
	results := make([]kit.Result, len(dirs))
	var both sync.WaitGroup
	for i, dir := range dirs {
		cmd := kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--output", "type=oci,dest=out.tar"))
		both.Go(func() { results[i] = kit.Finish(t, cmd) })
	}
	both.Wait()
	for i, r := range results {
		r.OK(t)
		if _, err := os.Stat(filepath.Join(dirs[i], "out.tar")); err != nil {
			t.Error(err)
		}
	}
	starts := strings.Count(results[0].Stderr+results[1].Stderr, "starting medbuild's own buildkitd")
	if starts != 1 {
		t.Errorf("%d engines were started", starts)
	}
}
