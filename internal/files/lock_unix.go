//go:build !windows

package files

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// errLocked is a file that another process, or another part of this one, holds.
var errLocked = errors.New("locked")

// tryLock takes an open file or folder for itself until it is closed, which the
// end of the process does too. errLocked when somebody else has it; any other
// error where the file system has no locks.
func tryLock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return errLocked
		default:
			return err
		}
	}
}

// openLeaf opens what is at a name without following a link there, and without
// waiting for the other end of a pipe.
const openLeaf = os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
