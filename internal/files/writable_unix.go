//go:build !windows

package files

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// Writable is why files cannot be made in a folder, nil when they can.
func Writable(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
}

// BelowFile reports whether an error says that a folder on the way is a file.
func BelowFile(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
