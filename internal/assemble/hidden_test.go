package assemble

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// onPathOf is an image of parts that have a folder on PATH each, in that order, and
// the named programs in it as far as the settings tell.
func onPathOf(parts map[string][]string, names ...string) Image {
	var img Image
	for i, name := range names {
		dir := "/opt/" + name + "/bin"
		img.Parts = append(img.Parts, Part{Stage: stage.Stage{Common: stage.Common{Name: name, At: problem.Position{File: "f", Line: 10 * (i + 1), Col: 1}},
			Path: []string{dir}, Programs: stage.ProgramsIn(dir, parts[name])}})
		img.Config.Path = append(img.Config.Path, dir)
	}
	return img
}

// TestHiddenProgramsThatSettingsTell: which of two wins is as PATH has it, and a
// program that one alone has, or that lies in no folder of PATH, is none.
func TestHiddenProgramsThatSettingsTell(t *testing.T) {
	t.Parallel()
	img := onPathOf(map[string][]string{"a": {"tool", "a"}, "b": {"b", "tool"}, "c": {"tool", "b"}}, "a", "b", "c")
	img.Parts[2].Programs = append(img.Parts[2].Programs, "/usr/local/bin/a", "/opt/c/share/b2", "/usr/local/bin/tool")
	want := []string{
		"f:20:1: b: PATH finds tool in a (f:10:1) first",
		"f:30:1: c: PATH finds tool, a in a (f:10:1) first",
		"f:30:1: c: PATH finds b in b (f:20:1) first",
	}
	if got := img.Warnings(); !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
	img.Config.Path = []string{"/opt/c/bin", "/opt/a/bin", "/opt/b/bin"}
	if got := img.Warnings(); !slices.Contains(got, "f:10:1: a: PATH finds tool in c (f:30:1) first") || !slices.Contains(got, "f:20:1: b: PATH finds b, tool in c (f:30:1) first") {
		t.Errorf("in another order: %q", got)
	}
	img.Parts[1].Path, img.Parts[1].Programs = []string{"/opt/c/bin"}, []string{"/opt/c/bin/b"}
	if got := strings.Join(img.Warnings(), "\n"); strings.Contains(got, "b: PATH finds b") {
		t.Errorf("two in one folder: %q", got)
	}
}

// TestHiddenProgramsThatLayersHold: what the tests of the components list, without
// what the settings told already, and no programs of the base's folders.
func TestHiddenProgramsThatLayersHold(t *testing.T) {
	t.Parallel()
	img := onPathOf(map[string][]string{"a": {"tool"}, "b": {"tool"}}, "a", "b")
	got := img.Hidden(map[string][]byte{
		"a": []byte("/opt/a/bin/1\n/opt/a/bin/2\n/opt/a/bin/3\n/opt/a/bin/4\n/opt/a/bin/5\n/opt/a/bin/6\n/opt/a/bin/7\n/opt/a/bin/tool\n/usr/bin/ls\n"),
		"b": []byte("/opt/b/bin/1\n/opt/b/bin/2\n/opt/b/bin/3\n/opt/b/bin/4\n/opt/b/bin/5\n/opt/b/bin/6\n/opt/b/bin/7\n/opt/b/bin/other\n/opt/b/bin/tool\n/usr/bin/ls\n"),
	})
	if want := []string{"f:20:1: b: PATH finds 1, 2, 3, 4, 5 and 2 more in a (f:10:1) first"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := img.Hidden(nil); len(got) > 0 {
		t.Errorf("nothing is listed, and still %q", got)
	}
}

// TestProgramsAreListed runs the function of the test step.
func TestProgramsAreListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "bin/data"), "")
	testkit.Write(t, filepath.Join(dir, "bin/sub/deep"), "")
	for _, name := range []string{"bin/tool", "more/b", "bin/sub/deep"} {
		testkit.Write(t, filepath.Join(dir, name), "")
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "tool", "folder": "sub", "broken": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(dir, "list")
	script := stage.TestScript + "programs " + llb.Args(list, filepath.Join(dir, "more"), filepath.Join(dir, "absent"), filepath.Join(dir, "bin")) + "\n"
	if out, err := exec.Command("/bin/sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := ""
	for _, name := range []string{"bin/link", "bin/tool", "more/b"} {
		want += filepath.Join(dir, name) + "\n"
	}
	if got, err := os.ReadFile(list); err != nil || string(got) != want {
		t.Errorf("%v: %q, want %q", err, got, want)
	}
}

// TestBasesFoldersAreNotListed: /usr/bin holds the programs of everything.
func TestBasesFoldersAreNotListed(t *testing.T) {
	t.Parallel()
	base := stage.Base{}
	if got := listed(stage.Stage{Path: []string{"/usr/bin", "/opt/a/bin"}}, base); got != "programs /run/medbuild/answers/programs /opt/a/bin\n" {
		t.Errorf("%q", got)
	}
	if got := listed(stage.Stage{Path: []string{"/usr/bin"}}, base); got != "" {
		t.Errorf("%q", got)
	}
}
