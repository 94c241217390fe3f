package kit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Sweep removes what killed runs left of their TempDirs in the folder for temporary
// files: processes, mounts and files. What belongs to a run that lives, to another
// user or to no run of tests is left alone.
func Sweep(tmp string) error {
	owners, err := filepath.Glob(filepath.Join(tmp, "mb?*"+ownerEnd))
	for _, o := range owners {
		err = errors.Join(err, sweep(o))
	}
	return err
}

func sweep(owner string) error {
	f, dead := abandoned(owner)
	if !dead {
		return nil
	}
	defer f.Close()
	dir := strings.TrimSuffix(owner, ownerEnd)
	if err := clearOut(dir); err != nil {
		return fmt.Errorf("remove %s, which a killed run of tests left: %w", dir, err)
	}
	return os.Remove(owner)
}

// abandoned locks the file of a run that is dead; false for any other.
func abandoned(owner string) (*os.File, bool) {
	f, err := os.OpenFile(owner, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || !ours(info) {
		_ = f.Close()
		return nil, false
	}
	if dead, err := hold(f); err != nil || !dead {
		_ = f.Close()
		return nil, false
	}
	return f, true
}

func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// clearOut ends what runs in a folder and removes it. Nothing is removed while
// something is mounted there: it may lead anywhere.
func clearOut(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && (!info.IsDir() || !ours(info)) {
		err = errors.New("it is no folder of this user")
	}
	if err != nil {
		return err
	}
	if err := endAll(dir); err != nil {
		return err
	}
	if err := unmountAll(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// unmountAll detaches what is mounted at a folder and below it, the last first. The
// mount point is field 5 of a line, proc(5).
func unmountAll(dir string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	for _, line := range slices.Backward(strings.Split(string(table), "\n")) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasPrefix(f[4]+"/", dir+"/") {
			err = errors.Join(err, unix.Unmount(strings.ReplaceAll(f[4], `\040`, " "), unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
		}
	}
	return err
}

// endAll ends the engine of a folder and what asks it, then the containers that it
// had: they outlive it.
func endAll(dir string) error {
	if err := end(dir, process.of); err != nil {
		return err
	}
	bundles, err := filepath.Glob(filepath.Join(dir, "*", "state", "runc-*", "executor", "*", "config.json"))
	more, _ := filepath.Glob(filepath.Join(dir, "*", "*", "state", "runc-*", "executor", "*", "config.json"))
	for _, config := range append(bundles, more...) {
		// With --force runc is content with a container that is gone.
		if out, wrong := exec.Command("runc", "delete", "--force", filepath.Base(filepath.Dir(config))).CombinedOutput(); wrong != nil {
			err = errors.Join(err, fmt.Errorf("%w: %s", wrong, out))
		}
	}
	return errors.Join(err, end(dir, process.contained))
}

// end kills the processes that are of the folder, and waits until they are gone.
func end(dir string, of func(process, string) bool) error {
	left := Eventually(10*time.Second, func() string {
		var found []string
		for _, p := range processes() {
			if of(p, dir) {
				found = append(found, string(p))
				p.kill(dir, of)
			}
		}
		return strings.Join(found, " ")
	})
	if left != "" {
		return errors.New("these processes do not end: " + left)
	}
	return nil
}

// process is one by its number.
type process string

func processes() []process {
	found, _ := filepath.Glob("/proc/[0-9]*")
	var out []process
	for _, f := range found {
		if p := process(filepath.Base(f)); string(p) != strconv.Itoa(os.Getpid()) {
			out = append(out, p)
		}
	}
	return out
}

// kill takes a handle before it looks once more, so that the signal reaches no
// process that got the number meanwhile.
func (p process) kill(dir string, of func(process, string) bool) {
	pid, _ := strconv.Atoi(string(p))
	if handle, err := os.FindProcess(pid); err == nil && of(p, dir) {
		_ = handle.Kill()
	}
}

func (p process) file(name string) []byte {
	data, _ := os.ReadFile("/proc/" + string(p) + "/" + name)
	return data
}

// engines are the programs that run below a folder of tests with it among their
// arguments, wherever their own files lie.
var engines = []string{"buildkitd", "dockerd", "containerd"}

// of reports whether a process is a program from the folder, is told to have its
// engine there, or is that engine.
func (p process) of(dir string) bool {
	if info, err := os.Stat("/proc/" + string(p)); err != nil || !ours(info) {
		return false
	}
	program, _ := os.Readlink("/proc/" + string(p) + "/exe")
	if strings.HasPrefix(program, dir+"/") || bytes.Contains(append([]byte{0}, p.file("environ")...), []byte("\x00MEDBUILD_ROOT="+dir+"/")) {
		return true
	}
	name := strings.TrimSuffix(filepath.Base(program), " (deleted)")
	return slices.ContainsFunc(engines, func(e string) bool { return strings.HasPrefix(name, e) }) && bytes.Contains(p.file("cmdline"), []byte("\x00"+dir+"/"))
}

// contained reports whether the root of a process is an overlay of the folder's
// files: field 5 of a line is where it is mounted, proc(5).
func (p process) contained(dir string) bool {
	for line := range strings.Lines(string(p.file("mountinfo"))) {
		if f := strings.Fields(line); len(f) > 4 && f[4] == "/" {
			return strings.Contains(line, "="+dir+"/") || strings.Contains(line, ":"+dir+"/")
		}
	}
	return false
}
