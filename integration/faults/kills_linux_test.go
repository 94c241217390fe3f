package faults

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
)

// Builds are killed at random times, and run again: the second run ends well,
// with what an undisturbed one writes, no file more, and nothing left of the
// engine. MEDBUILD_TEST_KILLS is how often, MEDBUILD_TEST_SEED repeats a series.
func TestKills(t *testing.T) {
	kit.Long(t, "kills builds and runs them again")
	kit.NeedEngine(t)
	seed, count := number(t, "MEDBUILD_TEST_SEED", int(time.Now().UnixNano()%1e6)), number(t, "MEDBUILD_TEST_KILLS", 300)
	t.Logf("seed %d", seed)
	s := newSeries(t, rand.New(rand.NewPCG(uint64(seed), 0)))
	for i := range count {
		k := s.next(i)
		if !t.Run(k.name, func(t *testing.T) { s.kill(t, k) }) {
			t.Logf("after %d kills of the series with seed %d", i+1, seed)
		}
	}
	t.Logf("%v", s.tally)
}

// number is a variable of the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	return kit.Must(strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise))))(t)
}

// series is what all kills have in common.
type series struct {
	random *rand.Rand
	hub    string            // a registry
	old    string            // a project whose results may lie where those of the new one go
	base   string            // of both
	want   map[string]string // what undisturbed builds write, by output and whether something lay there
	lasts  map[string]time.Duration
	tally  map[string]int
}

// killed is one kill.
type killed struct {
	name, victim, output string
	after                time.Duration
	old                  bool // something lies where the result goes
	warm                 bool // the engine has built it before
}

// outputs are the kinds of output by name, as --output takes them. OUT is a path
// in the project, REF a reference of the registry.
func outputs() map[string][]string {
	return map[string][]string{
		"layout":   {"--output", "type=oci,tar=false,dest=OUT"},
		"oci":      {"--output", "type=oci,dest=OUT"},
		"docker":   {"--output", "type=docker,dest=OUT"},
		"tar":      {"--output", "type=tar,dest=OUT"},
		"local":    {"--output", "type=local,dest=OUT"},
		"registry": {"--push", "--tag", "REF"},
		"files":    {"--output", "type=oci,dest=OUT", "--metadata-file", "meta.json", "--iidfile", "iid"},
		"two":      {"--output", "type=oci,tar=false,dest=OUT", "--output", "type=local,dest=OUT2"},
	}
}

// victims are who can be killed: a shell that is closed hard kills the group.
func victims() []string { return []string{"medbuild", "group", "daemon", "both"} }

func newSeries(t *testing.T, random *rand.Rand) *series {
	t.Helper()
	s := &series{random: random, hub: kit.RegistryHost(t), base: smallBase(t), want: map[string]string{}, lasts: map[string]time.Duration{}, tally: map[string]int{}}
	s.old = s.project(t, "old")
	root := s.root(t)
	for _, name := range kit.SortedKeys(outputs()) {
		s.build(t, root, s.old, name).OK(t)
		s.keep(t, name)
		for _, old := range []bool{true, false} {
			dir := s.project(t, "new")
			if old {
				s.lay(t, name, dir)
			}
			from := time.Now()
			s.build(t, root, dir, name).OK(t)
			s.lasts[name+" warm"] = time.Since(from)
			s.want[fmt.Sprint(name, old)] = s.result(t, dir, name)
		}
	}
	remove(t, root)
	from := time.Now()
	root = s.root(t)
	s.build(t, root, s.project(t, "new"), "layout").OK(t)
	s.lasts["fresh"] = time.Since(from)
	remove(t, root)
	t.Logf("undisturbed: %v", s.lasts)
	return s
}

// next draws a kill. Fresh roots are the rule: everything happens there.
func (s *series) next(i int) killed {
	kinds := kit.SortedKeys(outputs())
	k := killed{output: kinds[i%len(kinds)], victim: victims()[s.random.IntN(4)], old: s.random.IntN(2) == 0, warm: s.random.IntN(4) == 0}
	limit := s.lasts["fresh"]
	if k.warm {
		limit = s.lasts[k.output+" warm"]
	}
	k.after = time.Duration(s.random.Float64() * 1.1 * float64(limit))
	k.name = fmt.Sprintf("%03d %s of %s after %s old=%v warm=%v", i, k.victim, k.output, k.after.Round(time.Millisecond), k.old, k.warm)
	return k
}

// kill builds, kills and builds again.
func (s *series) kill(t *testing.T, k killed) {
	dir, root := s.project(t, "new"), s.root(t)
	defer remove(t, root)
	if k.warm {
		s.build(t, root, s.project(t, "new"), "layout").OK(t)
	}
	if k.old {
		s.lay(t, k.output, dir)
	}
	cmd := s.command(t, root, dir, k.output)
	out := &output{}
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, &syscall.SysProcAttr{Setpgid: true}
	kit.NoError(t, cmd.Start())
	time.Sleep(k.after)
	hit := strike(cmd.Process.Pid, root, k.victim)
	_ = cmd.Wait()
	s.tally[fmt.Sprintf("%s %v", k.victim, cmd.ProcessState)]++
	if code := cmd.ProcessState.ExitCode(); hit && k.victim == "daemon" && code != 0 && !strings.Contains(out.String(), "buildkitd.log") {
		t.Errorf("the killed daemon's log is not named: exit code %d: %s", code, out)
	}
	again := s.build(t, root, dir, k.output)
	if again.Code != 0 {
		t.Fatalf("run again: exit code %d\n%s\nthe killed run:\n%s\nthe log:\n%s", again.Code, again.Stderr, out, kit.Last(40, logOf(root)))
	}
	got, want := s.result(t, dir, k.output), s.want[fmt.Sprint(k.output, k.old)]
	if got != want {
		t.Errorf("the second run wrote\n%sand lacks\n%s", but(got, want), but(want, got))
	}
	if left := kit.Eventually(5*time.Second, func() string { return kit.LeftBy(filepath.Dir(root)) }); left != "" {
		t.Error(left)
	}
}

// but is the lines of a that b has not.
func but(a, b string) (out string) {
	for line := range strings.Lines(a) {
		if !strings.Contains(b, line) {
			out += "  " + line
		}
	}
	return out
}

func logOf(root string) string {
	data, _ := os.ReadFile(filepath.Join(root, "log/buildkitd.log"))
	return string(data)
}

// strike kills who is to be killed, and reports whether the daemon was there.
func strike(pid int, root, victim string) bool {
	daemon := daemonOf(root)
	switch {
	case victim == "group":
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	case victim != "daemon":
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if daemon != 0 && (victim == "daemon" || victim == "both") {
		_ = syscall.Kill(daemon, syscall.SIGKILL)
	}
	return daemon != 0
}

func daemonOf(root string) int {
	out, _ := exec.Command("pgrep", "-f", "--config "+root+"/buildkitd.toml").Output()
	pid, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	return pid
}

// root is that of a new engine; it is short, for the sockets.
func (s *series) root(t *testing.T) string {
	t.Helper()
	return filepath.Join(kit.Must(kit.TempDir("mbk"))(t), "engine")
}

func remove(t *testing.T, root string) {
	t.Helper()
	kit.NoError(t, os.RemoveAll(filepath.Dir(root)))
}

// command builds the project into an output with the engine of the root.
func (s *series) command(t *testing.T, root, dir, output string) *exec.Cmd {
	t.Helper()
	args := []string{"build", "--progress", "plain", "--engine", "child", "--target", "all"}
	replace := strings.NewReplacer("REF", s.reference(dir), "OUT2", "out2", "OUT", "out")
	for _, a := range outputs()[output] {
		args = append(args, replace.Replace(a))
	}
	cmd := kit.In(dir, kit.Command(t, args...))
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "BUILDKIT_HOST=") }),
		"MEDBUILD_ROOT="+root, "XDG_CACHE_HOME="+filepath.Dir(root)+"/cache", "MEDBUILD_BUILDKITD="+kit.Must(kit.Daemon())(t))
	return cmd
}

func (s *series) build(t *testing.T, root, dir, output string) kit.Result {
	t.Helper()
	return kit.Finish(t, s.command(t, root, dir, output))
}
