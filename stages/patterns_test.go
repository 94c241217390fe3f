package stages

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// patternFiles lie in a component beside what it must have.
var patternFiles = []string{"x/a.so", "x/lib.o", "x/deep/b.so", "x/deep/x/c", "x/deep/lib.b", "y/x/d", "y/[z]"}

var patternTests = []struct {
	pattern Pattern
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
	for _, tt := range patternTests {
		want := slices.DeleteFunc(slices.Clone(patternFiles), func(f string) bool { return slices.Contains(tt.out, f) })
		slices.Sort(want)
		for name, prune := range map[string]func(*testing.T, Pattern) string{"archive": archivePrunes, "freesurfer": freesurferPrunes, "conda": condaPrunes} {
			t.Run(name+" "+string(tt.pattern), func(t *testing.T) {
				left := filesBelow(t, prune(t, tt.pattern))
				got := slices.DeleteFunc(left, func(f string) bool { return !slices.Contains(patternFiles, f) })
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("left are %q, want %q", got, want)
				}
			})
		}
	}
}

func archivePrunes(t *testing.T, p Pattern) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range patternFiles {
		write(t, filepath.Join(root, "tree", "top", f), f)
	}
	write(t, filepath.Join(root, "tree", "top", "stays"), "")
	shell(t, "mkdir "+root+"/src && tar -C "+root+"/tree -czf "+root+"/src/tool.tar.gz top")
	u := unpacking{format: "tar.gz", strip: 1, prune: []string{string(p)}, to: filepath.Join(root, "to")}
	if out, err := runScriptOf(u, root); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return u.to
}

func freesurferPrunes(t *testing.T, p Pattern) string {
	t.Helper()
	tree := freesurferTree()
	for _, f := range patternFiles {
		tree[f] = ""
	}
	prefix, err := freesurferLayer(t, with(newFreeSurfer("full"), func(f *FreeSurfer) { f.Prune = []Pattern{p} }), tree)
	if err != nil {
		t.Fatalf("%v: %s", err, prefix)
	}
	return prefix
}

func condaPrunes(t *testing.T, p Pattern) string {
	t.Helper()
	needs(t, "python3")
	dir := t.TempDir()
	for _, f := range patternFiles {
		write(t, filepath.Join(dir, f), f)
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
	tree := freesurferTree()
	maps.Copy(tree, map[string]string{"diffusion/README": "", "matlab/deep/README": "", "matlab/x.m": ""})
	prefix, err := freesurferLayer(t, with(newFreeSurfer("recon-all"), func(f *FreeSurfer) { f.Keep = []Pattern{"READ*", "/trctrain"} }), tree)
	if err != nil {
		t.Fatalf("%v: %s", err, prefix)
	}
	left := filesBelow(t, prefix)
	for f, want := range map[string]bool{"diffusion/README": true, "matlab/deep/README": true, "matlab/x.m": false, "trctrain/x": true, "fsfast/bin/x": false} {
		if got := slices.Contains(left, f); got != want {
			t.Errorf("%s is there: %v", f, got)
		}
	}
}
