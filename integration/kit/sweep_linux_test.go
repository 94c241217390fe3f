package kit

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSweptRun is the run that TestSweep kills: it has a folder with a daemon in a
// session of its own, and something mounted.
func TestSweptRun(t *testing.T) {
	if os.Getenv("MEDBUILD_TEST_SWEPT") == "" {
		t.Skip("TestSweep starts it")
	}
	dir := Must(TempDir("mbi"))(t)
	daemon := filepath.Join(dir, "buildkitd")
	NoError(t, os.WriteFile(daemon, Must(os.ReadFile(Must(exec.LookPath("sleep"))(t)))(t), 0o700))
	cmd := exec.Command(daemon, "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	NoError(t, cmd.Start())
	asking := exec.Command("sleep", "600")
	asking.Env = append(os.Environ(), "MEDBUILD_ROOT="+dir+"/engine")
	asking.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	NoError(t, asking.Start())
	NoError(t, os.MkdirAll(filepath.Join(dir, "engine/mnt"), 0o700))
	if os.Geteuid() == 0 {
		_ = syscall.Mount("tmpfs", dir+"/engine/mnt", "tmpfs", 0, "size=1m") // not everywhere
		_ = os.WriteFile(dir+"/engine/mnt/file", nil, 0o600)
	}
	fmt.Printf("swept %s %d %d\n", dir, cmd.Process.Pid, asking.Process.Pid)
	time.Sleep(time.Minute)
}

// swept starts such a run below a folder for temporary files.
func swept(t *testing.T, tmp string) (run *exec.Cmd, dir string, pids []string) {
	t.Helper()
	run = exec.Command(Must(os.Executable())(t), "-test.run", "^TestSweptRun$", "-test.v")
	run.Env = append(os.Environ(), "MEDBUILD_TEST_SWEPT=1", "TMPDIR="+tmp)
	out := Must(run.StdoutPipe())(t)
	NoError(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 4 && f[0] == "swept" {
			return run, f[1], f[2:]
		}
	}
	t.Fatal("the run did not start")
	return nil, "", nil
}

// there says what there is of a run: its folder, how many processes live and
// mounts.
func there(dir string, pids []string) (folder bool, living int, mounts string) {
	_, err := os.Stat(dir)
	for _, pid := range pids {
		if state, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
			living++
		}
	}
	table, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, dir) {
			mounts += line
		}
	}
	return err == nil, living, mounts
}

// TestSweep: of a run that was killed nothing stays; one that lives, and what is no
// run's, is left alone.
func TestSweep(t *testing.T) {
	tmp := t.TempDir()
	run, at, pids := swept(t, tmp)
	other := filepath.Join(tmp, "mbi-somebody's")
	WriteFile(t, filepath.Join(other, "file"), "")
	NoError(t, Sweep(tmp))
	folder, living, mounts := there(at, pids)
	if !folder || living != 2 || os.Geteuid() == 0 && mounts == "" {
		t.Fatalf("of the living run: folder %t, %d processes, mounts %q", folder, living, mounts)
	}
	NoError(t, run.Process.Kill())
	_ = run.Wait()
	NoError(t, Sweep(tmp))
	if folder, living, mounts = there(at, pids); folder || living > 0 || mounts != "" {
		t.Errorf("of the killed run: folder %t, %d processes, mounts %q", folder, living, mounts)
	}
	if left := Must(filepath.Glob(filepath.Join(tmp, "*")))(t); len(left) != 1 || left[0] != other {
		t.Errorf("left: %q", left)
	}
}
