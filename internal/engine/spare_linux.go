package engine

import (
	"os"

	"golang.org/x/sys/unix"
)

// spareSize is how many bytes are set aside on the root's disk. Removing things
// takes room as well: the daemon's databases write new pages before they give up
// old ones, and it logs. A prune of a full disk used up to 1 MB.
const spareSize = 8 << 20

func (d *daemon) spareFile() string { return d.path("spare") }

// useSpare gives the room that was set aside to what frees more.
func (d *daemon) useSpare() { _ = os.Remove(d.spareFile()) }

// setSpare sets room aside while there is plenty. Where that fails a full disk
// is what it would be without.
func (d *daemon) setSpare() {
	if _, err := os.Stat(d.spareFile()); err == nil || free(d.root) < 4*spareSize {
		return
	}
	f, err := os.OpenFile(d.spareFile(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Fallocate(int(f.Fd()), 0, 0, spareSize) != nil {
		d.useSpare()
	}
}

// free is how many bytes of a disk this user can fill.
func free(dir string) int64 {
	var disk unix.Statfs_t
	if unix.Statfs(dir, &disk) != nil {
		return 0
	}
	return int64(disk.Bavail) * disk.Bsize
}
