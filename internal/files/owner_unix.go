//go:build !windows

package files

import (
	"io/fs"
	"os"
	"syscall"
)

// owner is whose a file is; false for users who cannot give files away.
func owner(info fs.FileInfo) (uid, gid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
