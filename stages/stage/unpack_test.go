package stage

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

// tool is what an archive holds, one folder down.
var toolTree = []string{"tool-1/bin/tool", "tool-1/bin/tool_gui", "tool-1/lib/a.so", "tool-1/lib/deep/b.so", "tool-1/lib/deep/c.a",
	"tool-1/share/doc/bin/example", "tool-1/share/it's a file", "tool-1/.hidden"}

func TestUnpack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		keep, prune []string
		want        []string
	}{
		{"everything", nil, nil, []string{".hidden", "bin/tool", "bin/tool_gui", "lib/a.so", "lib/deep/b.so", "lib/deep/c.a", "share/doc/bin/example", "share/it's a file"}},
		{"a name anywhere", []string{"bin"}, nil, []string{"bin/tool", "bin/tool_gui", "share/doc/bin/example"}},
		{"from the top", []string{"/bin"}, nil, []string{"bin/tool", "bin/tool_gui"}},
		{"a star stops at a slash", []string{"lib/*.so"}, nil, []string{"lib/a.so"}},
		{"pruned by name", nil, []string{"*.a", "share", ".hidden"}, []string{"bin/tool", "bin/tool_gui", "lib/a.so", "lib/deep/b.so"}},
		{"pruned by path", []string{"bin", "lib"}, []string{"bin/tool_gui", "lib/deep/", "share/doc"}, []string{"bin/tool", "lib/a.so"}},
		{"blanks and quotes", []string{"it's a *"}, nil, []string{"share/it's a file"}},
	}
	for _, kind := range []string{"tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst", "zip", tree} {
		for _, tt := range tests {
			t.Run(kind+"/"+tt.name, func(t *testing.T) {
				root := packed(t, kind)
				u := Unpacking{Format: kind, Strip: 1, Keep: tt.keep, Prune: tt.prune, To: filepath.Join(root, "to/here")}
				if out, err := testkit.RunUnpacking(u.Script(), root); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if got := testkit.FilesBelow(t, u.To); !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
				for _, f := range tt.want {
					if info, err := os.Stat(filepath.Join(u.To, f)); err != nil || info.Mode().Perm()&0o044 != 0o044 {
						t.Errorf("%s cannot be read by all: %v (%v)", f, info.Mode(), err)
					}
				}
			})
		}
	}
}

func TestUnpackNothing(t *testing.T) {
	t.Parallel()
	for want, u := range map[string]Unpacking{
		"nothing at this depth":          {Strip: 9},
		"Not found in archive":           {Strip: 1, Keep: []string{"bin/other"}},
		"at this depth\nhint: see strip": {Strip: 1, Prune: []string{"*"}},
	} {
		root := packed(t, "tar.gz")
		u.Format, u.To = "tar.gz", filepath.Join(root, "to")
		if out, err := testkit.RunUnpacking(u.Script(), root); err == nil || !strings.Contains(out, want) {
			t.Errorf("%+v: %v, %q lacks %q", u, err, out, want)
		}
	}
}

// packed is a folder with the tool in src, in that format. Its files are its
// owner's alone.
func packed(t *testing.T, kind string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range toolTree {
		testkit.Write(t, filepath.Join(root, "tree", f), f)
		if err := os.Chmod(filepath.Join(root, "tree", f), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	switch kind {
	case tree:
		if err := os.Rename(filepath.Join(root, "tree"), filepath.Join(root, "src")); err != nil {
			t.Fatal(err)
		}
	case "zip":
		testkit.Needs(t, "unzip")
		zipped(t, root)
	default:
		archived(t, root, kind)
	}
	return root
}

func archived(t *testing.T, root, kind string) {
	t.Helper()
	program := map[string]string{"tar": "tar", "tar.gz": "gzip", "tar.bz2": "bzip2", "tar.xz": "xz", "tar.zst": "zstd"}[kind]
	testkit.Needs(t, program)
	testkit.Write(t, filepath.Join(root, "src", "tool.x"), "")
	args := []string{"-C", filepath.Join(root, "tree"), "-cf", filepath.Join(root, "src", "tool.x")}
	if kind != "tar" {
		args = append(args, "-I", program)
	}
	if out, err := exec.Command("tar", append(args, "tool-1")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func zipped(t *testing.T, root string) {
	t.Helper()
	testkit.Write(t, filepath.Join(root, "src", "tool.zip"), "")
	f, err := os.Create(filepath.Join(root, "src", "tool.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	if err := z.AddFS(os.DirFS(filepath.Join(root, "tree"))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://files.example/a-1.0.tar.gz": "tar.gz", "https://files.example/a.TGZ?x=1#y": "tar.gz", "https://files.example/a.tbz2": "tar.bz2",
		"https://files.example/a.tar.xz": "tar.xz", "https://files.example/a.tar.zst": "tar.zst", "https://files.example/a.tar": "tar",
		"https://files.example/a.zip": "zip",
	} {
		if got, err := FormatOf(Source{URL: address}, ""); got != want || err != nil {
			t.Errorf("%s: %q, want %q (%v)", address, got, want, err)
		}
	}
	if got, err := FormatOf(Source{Debian: "pool/a.orig.tar.bz2"}, ""); got != "tar.bz2" || err != nil {
		t.Errorf("%q (%v)", got, err)
	}
	if got, err := FormatOf(Source{URL: "https://files.example/a.zip"}, "tgz"); got != "tar.gz" || err != nil {
		t.Errorf("stated: %q (%v)", got, err)
	}
	if got, err := FormatOf(Source{Git: "https://git.example/a.git"}, ""); got != tree || err != nil {
		t.Errorf("git: %q (%v)", got, err)
	}
	for _, s := range []Source{{URL: "https://files.example/download"}, {URL: "https://files.example/a.rpm"}} {
		_, err := FormatOf(s, "")
		testkit.WantText(t, err, "the format of "+s.URL+" is not known", "hint: add format = ")
	}
	_, err := FormatOf(Source{URL: "https://files.example/a.zip"}, "rar")
	testkit.WantText(t, err, "is not known")
}

// TestFormatsUnpack: each format that a source can have is one the script knows.
func TestFormatsUnpack(t *testing.T) {
	t.Parallel()
	for _, n := range formatNames {
		if _, ok := formats[n[1]]; !ok {
			t.Errorf("%s stands for %s, which is no format", n[0], n[1])
		}
	}
}
