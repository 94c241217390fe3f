package stage

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestNoDevices: whatever made a layer, no device, pipe or socket gets in with it.
func TestNoDevices(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a device": func(path string) error { return syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|3) },
		"a socket": func(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o600, 0) },
	} {
		dir := t.TempDir()
		if err := make(filepath.Join(dir, "it")); err != nil {
			t.Logf("%s cannot be made here: %v", name, err)
			continue
		}
		out, err := free(dir)
		if err == nil || !strings.Contains(out, dir+"/it is a device, a pipe or a socket, which must not get into an image") {
			t.Errorf("%s gets in: %v, %q", name, err, out)
		}
	}
}
