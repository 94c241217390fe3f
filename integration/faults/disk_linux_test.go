package faults

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

// smallDisk mounts a file system of that size at dir until the test ends. It is
// to be called before the engine uses dir: mounts go after the checks.
func smallDisk(t *testing.T, dir, size string) {
	t.Helper()
	kit.NoError(t, os.MkdirAll(dir, 0o755))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("this machine allows no mounts:", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
}

// unmount gives the kernel a moment to close the files of processes that have
// ended.
func unmount(dir string) error {
	limit := time.Now().Add(20 * time.Second)
	for {
		err := syscall.Unmount(dir, 0)
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(limit) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The disk of the engine is full: the error says which, and how to free it.
func TestEngineDiskFull(t *testing.T) {
	kit.NeedEngine(t)
	root := kit.Must(kit.TempDir("mbi"))(t)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	smallDisk(t, root, "200m") // the base's tar alone needs more, once unpacked
	kit.UseEngine(t, root)
	dir := kit.Project(t, kit.Components("ants", standins.ANTs(t, kit.Site(t), kit.Own(t, standins.GoodANTs))))
	kit.Built(t, dir).Failed(t, 1, "components.toml:5:8: base trixie: step [base] unpack", "no space left on", filepath.Join(root, "engine"), "\nhint: ", "medbuild prune", "MEDBUILD_ROOT")
	// The hint is true, with not a byte left.
	for range 3 {
		fill(t, filepath.Join(root, "fill"))
		kit.Finish(t, kit.In(dir, kit.Command(t, "prune", "--all", "--force"))).OK(t)
		kit.NoError(t, os.Remove(filepath.Join(root, "fill")))
		if n := available(t, root); n < 180<<20 {
			t.Errorf("%d bytes of 200 MB are free\n%s", n, kit.ReadFile(t, filepath.Join(root, "engine", "log", "buildkitd.log")))
		}
		kit.Built(t, dir).Failed(t, 1, "no space left on")
	}
}

func available(t *testing.T, dir string) uint64 {
	t.Helper()
	var disk syscall.Statfs_t
	kit.NoError(t, syscall.Statfs(dir, &disk))
	return disk.Bavail * uint64(disk.Bsize)
}

// fill writes a file until its disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f := kit.Must(os.Create(path))(t)
	defer f.Close()
	for _, size := range []int{1 << 20, 1 << 12, 1} {
		for zeros := make([]byte, size); ; {
			if _, err := f.Write(zeros); err != nil {
				break
			}
		}
	}
}

// A step fills the disk: the step, its component and what it said are named too.
func TestEngineDiskFullInStep(t *testing.T) {
	kit.NeedEngine(t)
	root := kit.Must(kit.TempDir("mbi"))(t)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	smallDisk(t, root, "800m")
	kit.UseEngine(t, root)
	// Not even what it says can be written.
	script := kit.Own(t, standins.GoodANTs) + "head -c 2000000000 /dev/zero >/tmp/fill || exit 1\n"
	dir := kit.Project(t, kit.Components("ants", standins.ANTs(t, kit.Site(t), script)))
	// Whether the engine comes as far as the step's exit code is chance: it may find
	// no room for the record of it either.
	kit.Built(t, dir).Failed(t, 1, "components.toml:8:13: ants: step [ants] test failed", "| ",
		"no space left on the disk of "+filepath.Join(root, "engine"), "\nhint: medbuild prune")
}

// The disk of the output is full: the error names the output, and nothing half
// written stays.
func TestOutputDiskFull(t *testing.T) {
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Components("ants", standins.ANTs(t, kit.Site(t), kit.Own(t, standins.GoodANTs))))
	for _, output := range []string{"type=oci,dest=disk/out.tar", "type=tar,dest=disk/out.tar", "type=oci,tar=false,dest=disk/out", "type=local,dest=disk/out"} {
		t.Run(strings.ReplaceAll(output, ",", " "), func(t *testing.T) {
			disk := filepath.Join(dir, "disk")
			smallDisk(t, disk, "4m")
			kit.Built(t, dir, "--output", output).Failed(t, 1, "no space left on device", "disk/out", "\nhint: ")
			var left []string
			kit.NoError(t, filepath.Walk(disk, func(path string, _ os.FileInfo, err error) error {
				if path != disk {
					left = append(left, path)
				}
				return err
			}))
			if len(left) > 0 {
				t.Errorf("the failed build left %q", left)
			}
		})
	}
}

// A failed build leaves no output, also not of a build that went well before.
func TestFailedBuildLeavesNoOutput(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	dir := kit.Project(t, kit.Components("ants", standins.ANTs(t, s, kit.Own(t, standins.GoodANTs))))
	s.FailAlways(standins.ANTsPath, upstream.Status(404))
	kit.Built(t, dir, "--output", "type=oci,dest=out/image.tar").Failed(t, 1, "404 Not Found")
	if names := kit.Must(os.ReadDir(dir))(t); len(names) != 1 {
		t.Errorf("the failed build left %v", names)
	}
}
