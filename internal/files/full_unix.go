//go:build !windows

package files

import "golang.org/x/sys/unix"

// Full reports whether the disk of a folder has next to nothing left.
func Full(dir string) bool {
	var disk unix.Statfs_t
	if dir == "" || unix.Statfs(dir, &disk) != nil {
		return false
	}
	//nolint:unconvert // on some systems Bavail is signed
	return uint64(disk.Bavail)*uint64(disk.Bsize) < minSpace || disk.Files > 0 && disk.Ffree == 0
}

// minSpace is how many bytes a disk that is not full has at least.
const minSpace = 1 << 20
