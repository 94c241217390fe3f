package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// What medbuild waits for while it reads never comes: SIGTERM ends it all the same.
func TestSignalWhileReading(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"standard input": {"plan", "-f", "-"},
		"list":           {"stages", "-f", "-"},
		"build":          {"build", "-f", "-"},
		"run":            {"run", "-f", "-", "--", "true"},
		"a secret":       {"build", "--secret", "id=a,src=pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkEnds(t, args)
		})
	}
}

func checkEnds(t *testing.T, args []string) {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "image = { name = 'a', version = '1' }\n[bases.b]\ntar = 'b.tar'\n[targets.t]\nbase = 'b'\ncomponents = []\n"
	if err := os.WriteFile(filepath.Join(dir, "components.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := medbuild(t, dir, args...)
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer killed.Stop()
	readFrom(t, in, filepath.Join(dir, "pipe"), slices.Contains(args, "-f"))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 || said.String() != "medbuild: interrupted\n" {
		t.Errorf("exit code %d: %s", code, said.String())
	}
}

// readFrom returns once standard input is read, or else the pipe: a signal that
// comes before ends any program.
func readFrom(t *testing.T, in io.Writer, pipe string, stdin bool) {
	t.Helper()
	if stdin { // more than a pipe holds
		if _, err := in.Write(bytes.Repeat([]byte("#\n"), 100<<10)); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}

// medbuild is the command as a process of its own.
func medbuild(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "medbuild") // the name is what tells it from the tests
	if err := os.Symlink(exe, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir, "XDG_CONFIG_HOME="+dir, "BUILDKIT_HOST=unix://"+dir+"/no-engine.sock")
	return cmd
}
