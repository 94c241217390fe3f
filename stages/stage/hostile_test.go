package stage

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

// member is an entry of an archive that no tool's has.
type member struct {
	name string
	kind byte // as tar has it
	mode fs.FileMode
	size int // of zeros
}

// plainFile is there beside the others: an archive of nothing is another error.
var plainFile = member{"bin/tool", tar.TypeReg, 0o755, 10}

// hostileKinds are the ways of packing, by the program that does it.
var hostileKinds = map[string]string{"tar": "cat", "tar.gz": "gzip", "tar.bz2": "bzip2", "tar.xz": "xz", "tar.zst": "zstd", "zip": "bsdtar"}

// hostile is a folder with an archive of the members in src.
func hostile(t *testing.T, kind string, members ...member) (root string) {
	t.Helper()
	testkit.Needs(t, hostileKinds[kind])
	root = t.TempDir()
	testkit.Write(t, filepath.Join(root, "src", "tool.x"), "")
	out, err := os.Create(filepath.Join(root, "src", "tool.x"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	all := append([]member{plainFile}, members...)
	if kind == "zip" {
		_, err = out.Write(zipOf(t, all))
	} else {
		cmd := exec.Command(hostileKinds[kind])
		cmd.Stdin, cmd.Stdout = bytes.NewReader(tarOf(t, all)), out
		err = cmd.Run()
	}
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func tarOf(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Typeflag: m.kind, Mode: int64(m.mode.Perm()), Size: int64(m.size), Devmajor: 1, Devminor: 3}
		for bit, mode := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
			if m.mode&bit != 0 {
				h.Mode |= mode
			}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, m.size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		h.SetMode(m.mode | map[byte]fs.FileMode{tar.TypeDir: fs.ModeDir, tar.TypeChar: fs.ModeDevice | fs.ModeCharDevice, tar.TypeFifo: fs.ModeNamedPipe}[m.kind])
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(make([]byte, m.size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpackHostile runs the step's script and returns what it said and what it left.
func unpackHostile(t *testing.T, root string, u Unpacking) (said string, err error) {
	t.Helper()
	u.To = filepath.Join(root, "to")
	for i, f := range u.KeepModes {
		u.KeepModes[i] = filepath.Join(u.To, f)
	}
	return testkit.RunUnpacking(u.Script(), root)
}

// eachKind runs a test for each way of packing.
func eachKind(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	for kind := range hostileKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

func TestUnpackRefusesDevices(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, kind string) {
		for _, m := range []member{{"dev/null", tar.TypeChar, 0o666, 0}, {"run/pipe", tar.TypeFifo, 0o600, 0}} {
			if m.kind == tar.TypeChar && os.Geteuid() != 0 {
				continue // tar itself says that it may not make one
			}
			root := hostile(t, kind, m)
			out, err := unpackHostile(t, root, Unpacking{Format: kind})
			if info, there := os.Lstat(filepath.Join(root, "to", m.name)); kind == "zip" && there == nil && info.Mode().IsRegular() {
				continue // libarchive makes an empty file of a pipe in a zip
			}
			if err == nil || !strings.Contains(out, "must not get into an image: ") || !strings.Contains(out, "/to/"+m.name) {
				t.Errorf("%s gets in: %v, %q", m.name, err, out)
			}
		}
	})
}

func TestUnpackDropsModes(t *testing.T) {
	t.Parallel()
	members := []member{
		{"bin/root", tar.TypeReg, fs.ModeSetuid | 0o755, 1}, {"bin/group", tar.TypeReg, fs.ModeSetgid | 0o755, 1},
		{"share/all", tar.TypeReg, 0o666, 1}, {"share/open/", tar.TypeDir, fs.ModeSticky | 0o777, 0}, {"share/lab/", tar.TypeDir, fs.ModeSetgid | 0o775, 0},
		{"bin/kept", tar.TypeReg, fs.ModeSetuid | 0o755, 1}, {"share/kept/", tar.TypeDir, 0o777, 0},
	}
	want := map[string]fs.FileMode{
		"bin/tool": 0o755, "bin/root": 0o755, "bin/group": 0o755, "share/all": 0o664,
		"share/open": fs.ModeDir | fs.ModeSticky | 0o775, "share/lab": fs.ModeDir | 0o775,
		"bin/kept": fs.ModeSetuid | 0o755, "share/kept": fs.ModeDir | 0o777,
	}
	eachKind(t, func(t *testing.T, kind string) {
		root := hostile(t, kind, members...)
		out, err := unpackHostile(t, root, Unpacking{Format: kind, KeepModes: []string{"bin/kept", "share/kept"}})
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for name, mode := range want {
			if info, err := os.Stat(filepath.Join(root, "to", name)); err != nil || info.Mode() != mode {
				t.Errorf("%s has %v (%v), want %v", name, info.Mode(), err, mode)
			}
		}
		if !strings.Contains(out, "keep_modes") || !strings.Contains(out, "/bin/root\n") || strings.Contains(out, "/bin/kept") {
			t.Errorf("it says %q", out)
		}
	})
}

func TestUnpackKeepsNoModesOfNothing(t *testing.T) {
	t.Parallel()
	out, err := unpackHostile(t, hostile(t, "tar"), Unpacking{Format: "tar", KeepModes: []string{"bin/sudo"}})
	if err == nil || !strings.Contains(out, "keep_modes: the source has no ") || !strings.Contains(out, "/bin/sudo") {
		t.Errorf("%v, %q", err, out)
	}
}

// TestUnpackIsBounded: a bomb ends while it unpacks, so that no more than the
// bound comes to the disk.
func TestUnpackIsBounded(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	eachKind(t, func(t *testing.T, kind string) {
		zeros := member{"share/zeros", tar.TypeReg, 0o644, 20 << 20}
		root := hostile(t, kind, zeros)
		out, err := unpackHostile(t, root, Unpacking{Format: kind, Most: most})
		if err == nil || !strings.Contains(out, "unpacks to more than 1048576 bytes\nhint: ") || !strings.Contains(out, "unpacked = ") {
			t.Errorf("%v, %q", err, out)
		}
		if n := sizeBelow(t, filepath.Join(root, "to")); n > most {
			t.Errorf("%d bytes were written", n)
		}
		if out, err := unpackHostile(t, hostile(t, kind, zeros), Unpacking{Format: kind, Most: 22 << 20}); err != nil {
			t.Errorf("what is stated is refused: %v, %q", err, out)
		}
	})
}

func TestUnpackIsBoundedInEntries(t *testing.T) {
	t.Parallel()
	var many []member
	for i := range 120_000 {
		many = append(many, member{strings.Repeat("d/", i%50) + string(rune('a'+i%26)) + strings.Repeat("x", i/26%40), tar.TypeSymlink, 0o777, 0})
	}
	root := hostile(t, "tar.gz", many...)
	out, err := unpackHostile(t, root, Unpacking{Format: "tar.gz", Most: 200 << 20})
	if err == nil || !strings.Contains(out, "unpacks to more than 100000 files and folders\nhint: ") {
		t.Errorf("%v, %q", err, out[max(0, len(out)-500):])
	}
}

// TestUnpackCountsHoles: a sparse file is a few bytes of an archive, and its whole
// size in the layer.
func TestUnpackCountsHoles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	testkit.Write(t, filepath.Join(root, "src", "tool.tar"), "")
	testkit.Write(t, filepath.Join(root, "tree", "zeros"), "")
	if err := os.Truncate(filepath.Join(root, "tree", "zeros"), 10<<30); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-C", filepath.Join(root, "tree"), "-Scf", filepath.Join(root, "src", "tool.tar"), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := unpackHostile(t, root, Unpacking{Format: "tar"})
	if err == nil || !strings.Contains(out, "unpacks to more than 1000000000 bytes") {
		t.Errorf("%v, %q", err, out)
	}
}

func sizeBelow(t *testing.T, dir string) (n int64) {
	t.Helper()
	for _, f := range testkit.FilesBelow(t, dir) {
		info, err := os.Lstat(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}
