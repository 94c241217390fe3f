package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// sweep removes what a killed daemon leaves: containers that go on running,
// mounts, half of what it fetched, and temporary files. With nothing left it
// only reads three folders and the mount table. It touches nothing while a
// daemon that cannot be seen from here (started by hand, or in another
// container) holds the state.
func (d *daemon) sweep() error {
	l, err := d.lockState()
	if err != nil {
		return err
	}
	defer l.release()
	return d.clear()
}

// stateLock is the file in the state's folder that a buildkitd has a lock on.
const stateLock = "buildkitd.lock"

// lockState takes the lock that a buildkitd has on its state.
func (d *daemon) lockState() (*lock, error) {
	ctx, cancel := context.WithTimeout(context.Background(), killGrace)
	defer cancel()
	l, err := lockExclusive(ctx, d.path("state/"+stateLock))
	if err != nil {
		return nil, fmt.Errorf("another buildkitd uses %s: %w", d.path("state"), err)
	}
	return l, nil
}

// clear is sweep for who has the lock on the state.
func (d *daemon) clear() error {
	if err := d.killContainers(); err != nil {
		return err
	}
	if err := unmountBelow(d.root); err != nil {
		return err
	}
	return errors.Join(d.dropHalves(), emptyFolder(d.path("tmp")))
}

// dropHalves removes what was fetched of images and did not become a blob. The
// engine would go on where it ended, also when it was not what was asked for:
// then every further build fails, although the registry has been mended.
func (d *daemon) dropHalves() error {
	halves, err := filepath.Glob(d.path("state/runc-*/content/ingest/*"))
	for _, dir := range halves {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// killContainers ends the containers of this root. BuildKit's executor keeps a
// bundle for each under <root>/runc-<snapshotter>/executor, named like the
// container, and removes it with the container: a bundle that is there without
// a daemon is a container that may still run.
func (d *daemon) killContainers() error {
	bundles, err := filepath.Glob(d.path("state/runc-*/executor/*/config.json"))
	if err != nil {
		return err
	}
	var all errgroup.Group
	all.SetLimit(4)
	for _, config := range bundles {
		all.Go(func() error { return d.killContainer(filepath.Dir(config)) })
	}
	return all.Wait()
}

func (d *daemon) killContainer(bundle string) error {
	// With --force runc is content with a container that is gone.
	out, err := exec.Command(d.runc, "delete", "--force", filepath.Base(bundle)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ending a leftover container: %w: %s", err, strings.TrimSpace(string(out)))
	}
	// Not recursively: the root file system would be a cache's own files if it
	// were still mounted here.
	for _, name := range []string{"config.json", "rootfs", ""} {
		_ = os.Remove(filepath.Join(bundle, name))
	}
	return nil
}

// unmountBelow detaches every mount below a folder, the last one first.
func unmountBelow(dir string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var errs []error
	for _, point := range slices.Backward(mountPoints(string(table), dir)) {
		if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			errs = append(errs, fmt.Errorf("unmounting %s: %w", point, err))
		}
	}
	return errors.Join(errs...)
}

// mountPoints returns the mounts below a folder, in the order of the table:
// the fifth field of each line (proc(5)), with blanks written in octal.
func mountPoints(table, dir string) []string {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var points []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if point := unescape.Replace(fields[4]); strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	return points
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// checkPrivate makes sure that a folder at a guessable path is ours alone.
func checkPrivate(dir string) error {
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || !fi.IsDir() || int(stat.Uid) != os.Geteuid() || fi.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s must be a folder that only this user can enter (mode 0700)", dir)
	}
	return nil
}
