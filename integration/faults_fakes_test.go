package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/upstream"
)

// site is a stand-in of an upstream site that ends with the test.
func site(t testing.TB) *upstream.Site {
	t.Helper()
	s := upstream.New()
	t.Cleanup(s.Close)
	return s
}

// The paths that the real sites have.
const (
	antsPath    = "/ANTsX/ANTs/releases/download/v2.5.4/ants-2.5.4-ubuntu-24.04-X64-gcc.zip"
	mrtrix3Path = "/MRtrix3/mrtrix3/archive/3.0.4.tar.gz"
)

// goodANTs is a program that answers as ANTs' programs do.
const goodANTs = `#!/bin/sh
[ "$1" != --version ] || echo "ANTs Version: 2.5.4"
`

// fakeANTs serves a release zip in which antsRegistration is the script, beside
// the programs that other components call, and returns its component table,
// without the line of its name.
func fakeANTs(t *testing.T, s *upstream.Site, script string) string {
	t.Helper()
	address, sum := s.Put(antsPath, zipOf(t, antsFiles("ants-2.5.4/", map[string]string{
		"ants-2.5.4/bin/antsRegistration": script,
		"ants-2.5.4/bin/libants.a":        "!<arch>\n",
	})))
	return antsTable(address, sum)
}

// antsFiles is the programs that other components call, all of them goodANTs, in
// bin below the folder, and more.
func antsFiles(folder string, more map[string]string) map[string]string {
	files := map[string]string{}
	for _, name := range []string{"antsApplyTransforms", "antsRegistration", "antsRegistrationSyNQuick.sh", "N4BiasFieldCorrection", "PrintHeader"} {
		files[folder+"bin/"+name] = goodANTs
	}
	maps.Copy(files, more)
	return files
}

// own is a script of this test's own: no other test has built it.
func own(t testing.TB, script string) string {
	t.Helper()
	return script + "# " + t.Name() + " " + strconv.FormatInt(time.Now().UnixNano(), 36) + "\n"
}

func antsTable(address, sum string) string {
	return fmt.Sprintf("version = \"2.5.4\"\nsource = { url = %q, sha256 = %q }\n", address, sum)
}

const (
	goodConfigure = "print('configured')\n"
	badConfigure  = "import sys\nfor i in range(1, 41): print('checking', i, flush=True)\nprint('error: no Eigen3 found', file=sys.stderr)\nsys.exit(3)\n"
)

// slowConfigure says "configuring" and then runs a command with a name of its own
// for ten minutes.
func slowConfigure(sleep string) string {
	return "import subprocess\nprint('configuring', flush=True)\nsubprocess.run(['sleep', '" + sleep + "'])\n"
}

// fakeMRtrix3 serves a source archive whose configure is the Python program,
// and returns its component table. Its build takes a moment.
func fakeMRtrix3(t *testing.T, s *upstream.Site, configure string) string {
	t.Helper()
	address, sum := s.Put(mrtrix3Path, tarOf(t, mrtrix3Files(configure)))
	return fmt.Sprintf("version = \"3.0.4\"\ncommands = [\"mrinfo\"]\nsource = { url = %q, sha256 = %q }\n", address, sum)
}

func mrtrix3Files(configure string) map[string]string {
	const program = "#!/bin/sh\necho '== mrinfo 3.0.4 =='\n"
	return map[string]string{
		"mrtrix3-3.0.4/configure":          configure,
		"mrtrix3-3.0.4/build":              "import os\nopen('bin/mrinfo', 'w').write(\"\"\"" + program + "\"\"\")\nos.chmod('bin/mrinfo', 0o755)\n",
		"mrtrix3-3.0.4/bin/dwibiascorrect": "#!/usr/bin/env python3\nimport imp, distutils\n",
		"mrtrix3-3.0.4/lib/mrtrix3.py":     "",
		"mrtrix3-3.0.4/share/labels.txt":   "1 one\n",
		"mrtrix3-3.0.4/LICENCE.txt":        "MPL-2.0\n",
	}
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range sortedKeys(files) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f := must(w.CreateHeader(h))(t)
		must(f.Write([]byte(files[name])))(t)
	}
	noError(t, w.Close())
	return b.Bytes()
}

func tarOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range sortedKeys(files) {
		noError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name])), Typeflag: tar.TypeReg}))
		must(w.Write([]byte(files[name])))(t)
	}
	noError(t, w.Close())
	noError(t, z.Close())
	return b.Bytes()
}

// head begins a components.toml with the Debian base.
const head = `[image]
name = "example.org/test"
version = "1"

[bases.trixie]
tar = "BASE"
`

// components is a components.toml with the components, and a target "all" of
// all of them. tables has pairs of a name and what is in its table.
func components(tables ...string) string {
	text, names := head, []string{}
	for i := 0; i < len(tables); i += 2 {
		text += fmt.Sprintf("\n[components.%s]\n%s", tables[i], tables[i+1])
		names = append(names, fmt.Sprintf("%q", tables[i]))
	}
	return text + fmt.Sprintf("\n[targets.all]\nbase = \"trixie\"\ncomponents = [%s]\n", strings.Join(names, ", "))
}

// sharedRoot is the root of an engine that the tests of a run share, so that
// compilers and packages are installed once. $MEDBUILD_TEST_ROOT keeps one for
// many runs.
var sharedRoot = sync.OnceValues(func() (string, error) {
	if given := os.Getenv("MEDBUILD_TEST_ROOT"); given != "" {
		return given, os.MkdirAll(given, 0o700)
	}
	dir, err := binDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "s"), os.Mkdir(filepath.Join(dir, "s"), 0o700)
})

// sharedEngine is engineRoot for tests that need no empty root.
func sharedEngine(t testing.TB) string {
	t.Helper()
	needEngine(t)
	root := must(sharedRoot())(t)
	useEngine(t, root)
	return filepath.Join(root, "engine")
}

func needEngine(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("our own engine needs Linux and root")
	}
	if _, err := exec.LookPath("runc"); err != nil {
		t.Skip("runc is not installed (make tools does it)")
	}
}

// useEngine makes our own engine in root the one of this test's commands.
func useEngine(t testing.TB, root string) {
	t.Helper()
	t.Setenv("MEDBUILD_ROOT", filepath.Join(root, "engine"))
	t.Setenv("MEDBUILD_BUILDKITD", must(daemon())(t))
	t.Setenv("BUILDKIT_HOST", "child")
	t.Setenv("XDG_CACHE_HOME", filepath.Join(root, "cache"))
	t.Cleanup(func() { nothingLeft(t, root) })
}

// nothingLeft fails the test when an engine left a process or a mount. It may
// take a moment where the command was killed.
func nothingLeft(t testing.TB, root string) {
	t.Helper()
	if left := eventually(3*time.Second, func() string { return leftBy(root) }); left != "" {
		t.Error(left)
	}
}

func leftBy(root string) string {
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil && strings.Contains(string(mounts), root+"/engine/") {
		return "the engine left mounts below " + root
	}
	if out, _ := exec.Command("pgrep", "-a", "-f", root+"/engine").Output(); len(out) > 0 {
		return "the engine left processes: " + string(out)
	}
	return ""
}

// eventually asks again until the answer is "" or the time is over, and returns
// the last answer.
func eventually(limit time.Duration, ask func() string) string {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if answer := ask(); answer == "" || time.Now().After(end) {
			return answer
		}
	}
}

// in makes the command work in a project's folder.
func in(dir string, cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = dir
	return cmd
}

// built builds the project's target "all" and returns what was printed.
func built(t testing.TB, dir string, args ...string) result {
	t.Helper()
	args = append([]string{"build", "--progress", "plain", "--target", "all"}, args...)
	return finish(t, in(dir, medbuildCmd(t, args...)))
}

// failed fails the test unless the command ended with the code and its standard
// error has all the texts.
func (r result) failed(t testing.TB, code int, texts ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d", r.Code, code)
	}
	message := r.Stderr[max(0, strings.LastIndex(r.Stderr, "medbuild: ")):]
	for _, text := range texts {
		if !strings.Contains(message, text) {
			t.Errorf("the error lacks %q", text)
		}
	}
	if t.Failed() {
		t.Fatalf("stdout: %s\nstderr: %s", r.Stdout, r.Stderr)
	}
	t.Log(message)
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
