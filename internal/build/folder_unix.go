//go:build !windows

package build

import (
	"os"

	"golang.org/x/sys/unix"
)

// shareFolder waits until nobody has the open folder alone, and joins in.
func shareFolder(dir *os.File) error {
	for {
		if err := unix.Flock(int(dir.Fd()), unix.LOCK_SH); err != unix.EINTR {
			return err
		}
	}
}

// ownFolder reports whether nobody else is in the folder, and keeps others out.
func ownFolder(dir *os.File) bool {
	return unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// fullFolder reports whether the disk of a folder has next to nothing left.
func fullFolder(dir string) bool {
	var disk unix.Statfs_t
	if dir == "" || unix.Statfs(dir, &disk) != nil {
		return false
	}
	//nolint:unconvert // on some systems Bavail is signed
	return uint64(disk.Bavail)*uint64(disk.Bsize) < minSpace || disk.Files > 0 && disk.Ffree == 0
}

// minSpace is how many bytes a disk that is not full has at least.
const minSpace = 1 << 20
