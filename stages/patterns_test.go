package stages

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/testkit"
)

// patternFiles lie in a component beside what it must have.
var patternFiles = []string{"x/a.so", "x/lib.o", "x/deep/b.so", "x/deep/x/c", "x/deep/lib.b", "y/x/d", "y/[z]"}

var patternTests = []struct {
	pattern stage.Pattern
	out     []string // of patternFiles
}{
	{"deep", []string{"x/deep/b.so", "x/deep/x/c", "x/deep/lib.b"}},
	{"x", []string{"x/a.so", "x/lib.o", "x/deep/b.so", "x/deep/x/c", "x/deep/lib.b", "y/x/d"}},
	{"/x", []string{"x/a.so", "x/lib.o", "x/deep/b.so", "x/deep/x/c", "x/deep/lib.b"}},
	{"x/*.so", []string{"x/a.so"}},
	{"*.so", []string{"x/a.so", "x/deep/b.so"}},
	{"x/*/*.so", []string{"x/deep/b.so"}},
	{"*/x", []string{"y/x/d"}},
	{"x/deep/", []string{"x/deep/b.so", "x/deep/x/c", "x/deep/lib.b"}},
	{"lib.?", []string{"x/lib.o", "x/deep/lib.b"}},
	{"lib.[b-d]", []string{"x/deep/lib.b"}},
	{"x/lib.[!b]", []string{"x/lib.o"}},
	{"x?deep", nil},
	{"dee", nil},
}

// TestOneRuleForPatterns: a pattern means the same files in every stage.
func TestOneRuleForPatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range patternTests {
		want := slices.DeleteFunc(slices.Clone(patternFiles), func(f string) bool { return slices.Contains(tt.out, f) })
		slices.Sort(want)
		for name, prune := range map[string]func(*testing.T, stage.Pattern) string{"archive": archivePrunes, "freesurfer": freesurferPrunes, "conda": condaPrunes} {
			t.Run(name+" "+string(tt.pattern), func(t *testing.T) {
				left := testkit.FilesBelow(t, prune(t, tt.pattern))
				got := slices.DeleteFunc(left, func(f string) bool { return !slices.Contains(patternFiles, f) })
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("left are %q, want %q", got, want)
				}
			})
		}
	}
}

func archivePrunes(t *testing.T, p stage.Pattern) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range patternFiles {
		testkit.Write(t, filepath.Join(root, "tree", "top", f), f)
	}
	testkit.Write(t, filepath.Join(root, "tree", "top", "stays"), "")
	shell(t, "mkdir "+root+"/src && tar -C "+root+"/tree -czf "+root+"/src/tool.tar.gz top")
	u := stage.Unpacking{Format: "tar.gz", Strip: 1, Prune: []string{string(p)}, To: filepath.Join(root, "to")}
	if out, err := testkit.RunUnpacking(u.Script(), root); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return u.To
}

func freesurferPrunes(t *testing.T, p stage.Pattern) string {
	t.Helper()
	tree := freesurferTree()
	for _, f := range patternFiles {
		tree[f] = ""
	}
	prefix, err := freesurferLayer(t, testkit.With(newFreeSurfer("full"), func(f *FreeSurfer) { f.Prune = []stage.Pattern{p} }), tree)
	if err != nil {
		t.Fatalf("%v: %s", err, prefix)
	}
	return prefix
}

func condaPrunes(t *testing.T, p stage.Pattern) string {
	t.Helper()
	testkit.Needs(t, "python3")
	dir := t.TempDir()
	for _, f := range patternFiles {
		testkit.Write(t, filepath.Join(dir, f), f)
	}
	const script = "import sys, types\nsys.path.insert(0, '../llb')\nimport conda\n" +
		"conda.prune(types.SimpleNamespace(prefix=sys.argv[1], prune=[sys.argv[2]], keep=[]))\n"
	if out, err := exec.Command("python3", "-B", "-c", script, dir, string(p)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// TestFreeSurferKeepsByName: names are kept in any folder, paths from the top.
func TestFreeSurferKeepsByName(t *testing.T) {
	t.Parallel()
	tree := freesurferTree()
	maps.Copy(tree, map[string]string{"diffusion/README": "", "matlab/deep/README": "", "matlab/x.m": ""})
	prefix, err := freesurferLayer(t, testkit.With(newFreeSurfer("recon-all"), func(f *FreeSurfer) { f.Keep = []stage.Pattern{"READ*", "/trctrain"} }), tree)
	if err != nil {
		t.Fatalf("%v: %s", err, prefix)
	}
	left := testkit.FilesBelow(t, prefix)
	for f, want := range map[string]bool{"diffusion/README": true, "matlab/deep/README": true, "matlab/x.m": false, "trctrain/x": true, "fsfast/bin/x": false} {
		if got := slices.Contains(left, f); got != want {
			t.Errorf("%s is there: %v", f, got)
		}
	}
}
