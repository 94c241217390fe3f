package output

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
)

// readOnly is a folder that nobody may write, root neither.
func readOnly(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		check(t, os.Chmod(dir, 0o555))
		return dir
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		t.Skip("this machine allows no mounts:", err)
	}
	t.Cleanup(func() { check(t, syscall.Unmount(dir, 0)) })
	return dir
}

// A read-only place is refused before anything is built.
func TestCheckPlacesReadOnly(t *testing.T) {
	dir := readOnly(t)
	for _, output := range []string{"type=tar,dest=" + dir + "/x", "type=local,dest=" + dir, "type=oci,tar=false,dest=" + dir + "/deep/x"} {
		err := CheckPlaces([]Output{parsed(t, output)})
		testkit.WantText(t, err, "cannot be written: ", "\nhint: choose a folder that you can write to")
		if problem.ExitCode(err) != 1 {
			t.Errorf("%s: %v", output, err)
		}
	}
	if err := CheckPlaces(nil, File{"--metadata-file", filepath.Join(dir, "m.json")}); problem.ExitCode(err) != 1 {
		t.Error(err)
	}
}
