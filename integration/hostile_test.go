package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

// TestHostileArchives: what no tool's archive has does not get into an image.
// Some of it ends the step that unpacks it, each at its component, and a bomb
// leaves nothing on the disk.
func TestHostileArchives(t *testing.T) {
	if testing.Short() {
		t.Skip("builds on an engine; run without -short")
	}
	engine := kit.SharedEngine(t)
	dropsModes(t)
	dir, says := hostileProject(t, kit.Site(t))
	was := diskUsed(engine)
	r := kit.Built(t, dir)
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	for name, said := range says {
		if !strings.Contains(r.Stderr, said) || !strings.Contains(r.Stderr, ": "+name+": step ["+name+"] unpack failed: exit code: 1\n") {
			t.Errorf("%s is not refused with %q", name, said)
		}
	}
	for _, hint := range []string{"hint: if that is right, state its size in the component, such as unpacked = \"60 GB\"\n", "hint: leave it out of the source"} {
		if !strings.Contains(r.Stderr, hint) {
			t.Errorf("no %q", hint)
		}
	}
	if more := diskUsed(engine) - was; more > 300<<20 {
		t.Errorf("the engine grew by %d bytes", more)
	}
	if t.Failed() {
		t.Log(r.Stderr[strings.Index(r.Stderr, "medbuild: ")+1:])
	}
}

// hostileProject is a component for each hostile archive, and what must be said
// of it.
func hostileProject(t *testing.T, s *upstream.Site) (dir string, says map[string]string) {
	t.Helper()
	var tables []string
	says = map[string]string{}
	add := func(name, file string, content []byte, more, said string) {
		tables = append(tables, name, hostileTable(s, name, file, content)+more)
		says[name] = said
	}
	large := member{tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Mode: 0o644, Size: 20 << 20}, 20 << 20}
	const (
		stated = "unpacked = \"1 MB\"\n"
		over   = "unpacks to more than 1000000 bytes\n"
	)
	zeros := tarred(t, large)
	add("large-tar", "a.tar", zeros, stated, over)
	for program, ending := range map[string]string{"bzip2": "bz2", "xz": "xz", "zstd": "zst"} {
		if _, err := exec.LookPath(program); err == nil && os.Getenv("MEDBUILD_TEST_LONG") != "" {
			// A package must be installed for each; the script is tested with all of them.
			add("large-"+ending, "a.tar."+ending, filtered(t, zeros, program), stated, over)
		}
	}
	add("large-zip", "a.zip", zipOfZeros(t, 20<<20), stated, over)
	add("bomb", "a.tar.gz", bomb(t), "", "unpacks to more than 1000")
	add("device", "b.tar", tarred(t, member{tar.Header{Name: "dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3}, 0}), "",
		"must not get into an image: /opt/device/dev/null\n")
	add("pipe", "c.tar", tarred(t, member{tar.Header{Name: "pipe", Typeflag: tar.TypeFifo, Mode: 0o666}, 0}), "", "must not get into an image: /opt/pipe/pipe\n")
	var many []member
	for i := range 100_002 {
		many = append(many, member{tar.Header{Name: fmt.Sprintf("%d", i), Typeflag: tar.TypeReg, Mode: 0o644}, 0})
	}
	add("many", "d.tar.gz", filtered(t, tarred(t, many...), "gzip"), "unpacked = \"300 MB\"\n", "unpacks to more than 100000 files and folders\n")
	return kit.Project(t, kit.Components(tables...)), says
}

// dropsModes: what is set-uid or can be written by all is neither in the image,
// but for what the component keeps by its name.
func dropsModes(t *testing.T) {
	t.Helper()
	file := func(name string, kind byte, mode int64) member {
		return member{tar.Header{Name: name, Typeflag: kind, Mode: mode}, 0}
	}
	table := hostileTable(kit.Site(t), "modes", "a.tar", tarred(t,
		file("bin/root", tar.TypeReg, 0o4755), file("bin/sudo-thing", tar.TypeReg, 0o4755), file("bin/group", tar.TypeReg, 0o2755),
		file("all", tar.TypeReg, 0o666), file("open/", tar.TypeDir, 0o1777)))
	dir := kit.Project(t, kit.Components("modes", table+"keep_modes = [\"bin/sudo-thing\"]\n"))
	got := kit.Inside(t, dir, "all", "cd /opt/modes && stat -c '%n %a' bin/* all open")
	if want := "bin/group 755\nbin/root 755\nbin/sudo-thing 4755\nall 664\nopen 1775\n"; got != want {
		t.Errorf("the image has\n%swant\n%s", got, want)
	}
}

func hostileTable(s *upstream.Site, name, file string, content []byte) string {
	return "stage = \"archive\"\nversion = \"1\"\nprefix = \"/opt/" + name + "\"\nlicence = \"MIT\"\nsmoke = [\"true\"]\n" +
		standins.SourceOf(s.Put("/"+name+"/"+file, content))
}

// member is an entry of a tar with that many zeros, which may be fewer than its
// header says.
type member struct {
	tar.Header
	zeros int
}

func tarred(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		kit.NoError(t, w.WriteHeader(&m.Header))
		kit.Must(w.Write(make([]byte, m.zeros)))(t)
	}
	if err := w.Close(); err != nil && !strings.Contains(err.Error(), "missed writing") {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bomb is 10 GB in 10 MB: the header of one file, and what is in it as a hundred
// parts that gzip takes for one.
func bomb(t *testing.T) []byte {
	t.Helper()
	out := gzipped(t, tarred(t, member{tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Mode: 0o644, Size: 100 * 100 << 20}, 0}))
	return append(out, bytes.Repeat(gzipped(t, make([]byte, 100<<20)), 100)...)
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	kit.Must(z.Write(content))(t)
	kit.NoError(t, z.Close())
	return b.Bytes()
}

func filtered(t *testing.T, content []byte, program string) []byte {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Stdin = bytes.NewReader(content)
	return kit.Must(cmd.Output())(t)
}

func zipOfZeros(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f := kit.Must(w.Create("zeros"))(t)
	kit.Must(f.Write(make([]byte, n)))(t)
	kit.NoError(t, w.Close())
	return b.Bytes()
}

// diskUsed is how much the files of a folder take, in bytes.
func diskUsed(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if info, gone := stat(d, err); gone == nil {
			n += info.Size()
		}
		return nil // what the engine takes away meanwhile counts as nothing
	})
	return n
}

func stat(d fs.DirEntry, err error) (fs.FileInfo, error) {
	if err != nil {
		return nil, err
	}
	return d.Info()
}
