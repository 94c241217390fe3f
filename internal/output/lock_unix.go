//go:build !windows

package output

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
