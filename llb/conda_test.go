package llb

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb/llbtest"
)

func someConda() Conda {
	return Conda{Component: "tool", On: Image("base@sha256:" + digits), Distribution: "debian-13", Prefix: "/opt/tool",
		Packages: []Input{
			{Kind: Archive, Address: "https://conda.example/c/noarch/b-1-0.tar.bz2", Pin: "sha256:" + digits},
			{Kind: Archive, Address: "https://conda.example/c/linux-64/a-1-0.conda", Pin: "sha256:" + digits, Size: 7},
		}}
}

func TestCondaList(t *testing.T) {
	t.Parallel()
	const want = "linux-64/a-1-0.conda https://conda.example/c/linux-64/a-1-0.conda 7\nnoarch/b-1-0.tar.bz2 https://conda.example/c/noarch/b-1-0.tar.bz2 0\n"
	if got := string(someConda().list()); got != want {
		t.Errorf("list is %q, want %q", got, want)
	}
}

// TestCondaOptions: the shell gives the installer patterns and names as they
// are.
// A package that is not as large as the lock says ends the step before anything is
// installed: the lock is wrong, whatever its checksum.
func TestCondaSizes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "linux-64/a-1-0.conda"), "1234567")
	list := filepath.Join(dir, "packages.txt")
	for size, wrong := range map[string]bool{"7": false, "0": false, "8": true} {
		testkit.Write(t, list, "linux-64/a-1-0.conda https://conda.example/c/linux-64/a-1-0.conda "+size+"\n")
		out, err := exec.Command("python3", "-B", "conda.py", "--rattler", dir, "--channel", dir, "--packages", list, "--prefix", dir).CombinedOutput()
		const says = "https://conda.example/c/linux-64/a-1-0.conda has 7 bytes, the lock states 8"
		if err == nil || strings.Contains(string(out), says) != wrong { // without rattler it ends all the same
			t.Errorf("stated as %s: %s", size, out)
		}
	}
}

func TestCondaOptions(t *testing.T) {
	t.Parallel()
	c := someConda()
	c.Prune, c.Keep = []string{"doc/*", "it's"}, []string{"doc/[ab]"}
	c.Commands = Commands{Folder: "share/tool/bin", Package: "a", Names: []string{"x", "y"}}
	out, err := exec.Command("/bin/sh", "-c", `printf '%s\n' `+c.options()).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"--prune", "doc/*", "--prune", "it's", "--keep", "doc/[ab]", "--commands", "share/tool/bin", "--package", "a", "--command", "x", "--command", "y"}
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, want) {
		t.Errorf("options are %q, want %q", got, want)
	}
}

func TestCondaInstallerIsPinned(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{State: someConda().Layer()})
	script := g.Find("[tool] fetch py-rattler").GetExec().Meta.Args[3]
	if !strings.Contains(script, "--require-hashes") || !strings.Contains(script, "--hash=sha256:"+rattlerSHA256) {
		t.Errorf("the installer is fetched without a hash:\n%s", script)
	}
}

// pruneScript prunes the folder in its first argument with the patterns before
// and after "--" in the others.
const pruneScript = `
import sys, types
sys.argv, args = sys.argv[:1], sys.argv[1:]
sys.path.insert(0, args[0])
import conda
cut = args.index("--")
conda.prune(types.SimpleNamespace(prefix=args[1], prune=args[2:cut], keep=args[cut + 1:]))
`

func TestCondaPrune(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name        string
		prune, keep []string
		want        []string
	}{
		{"nothing", nil, nil, []string{"doc/a", "doc/deep/b", "lib/libx.a", "lib/py/y.a", "lib/py/z"}},
		{"folder", []string{"doc"}, nil, []string{"lib/libx.a", "lib/py/y.a", "lib/py/z"}},
		{"a star stops at a slash", []string{"lib/*.a"}, nil, []string{"doc/a", "doc/deep/b", "lib/py/y.a", "lib/py/z"}},
		{"a name in any folder", []string{"*.a", "deep"}, nil, []string{"doc/a", "lib/py/z"}},
		{"keep a file", []string{"doc", "lib/*"}, []string{"doc/deep/b"}, []string{"doc/deep/b"}},
		{"keep a folder", []string{"*"}, []string{"lib/py"}, []string{"lib/py/y.a", "lib/py/z"}},
		{"names that begin alike", []string{"do", "li?"}, nil, []string{"doc/a", "doc/deep/b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range []string{"doc/a", "doc/deep/b", "lib/libx.a", "lib/py/y.a", "lib/py/z"} {
				writeEmpty(t, filepath.Join(dir, f))
			}
			args := slices.Concat([]string{"-B", "-c", pruneScript, here, dir}, tt.prune, []string{"--"}, tt.keep)
			if out, err := exec.Command("python3", args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if got := filesBelow(t, dir); !slices.Equal(got, tt.want) {
				t.Errorf("left are %q, want %q", got, tt.want)
			}
		})
	}
}
