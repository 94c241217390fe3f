package llb

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/medbuild/medbuild/llb/llbtest"
	fscopy "github.com/tonistiigi/fsutil/copy"
)

// TestParentsKeepsTheFoldersAlone copies with the function that BuildKit's file
// operation calls, and the patterns of the operation.
func TestParentsKeepsTheFoldersAlone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		prefixes []string
		want     []string
	}{
		{"one", []string{"/opt/fsl"}, []string{"opt"}},
		{"nested", []string{"/home/jovyan/fsl"}, []string{"home", "home/jovyan"}},
		{"several", []string{"/opt/fsl", "/home/jovyan/ants", "/opt/ants"}, []string{"home", "home/jovyan", "opt"}},
		{"deep", []string{"/home/jovyan/work/tools/fsl"}, []string{"home", "home/jovyan", "home/jovyan/work"}},
		{"absent", []string{"/srv/medical/fsl"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := copied(t, tt.prefixes); !slices.Equal(got, tt.want) {
				t.Errorf("kept %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParentsOfTheRootFolderIsEmpty(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{Name: "parents", State: Parents("tool", Image("base@sha256:"+digits), []string{"/fsl", "/ants"})})
	if len(g.Ops) != 0 || g.Ends["parents"] != "scratch" {
		t.Errorf("ends at %q with %d operations, want scratch with none", g.Ends["parents"], len(g.Ops))
	}
}

func TestParentsKeepsMode(t *testing.T) {
	t.Parallel()
	dst := parentsOf(t, []string{"/home/jovyan/fsl"})
	info, err := os.Stat(filepath.Join(dst, "home/jovyan"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fs.ModeDir | fs.ModeSetgid | 0o770; info.Mode() != want {
		t.Errorf("mode is %v, want %v", info.Mode(), want)
	}
}

func copied(t *testing.T, prefixes []string) []string {
	t.Helper()
	dst := parentsOf(t, prefixes)
	var got []string
	err := filepath.WalkDir(dst, func(path string, _ fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dst, path); rel != "." {
			got = append(got, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func parentsOf(t *testing.T, prefixes []string) string {
	t.Helper()
	g := llbtest.Read(t, llbtest.End{Name: "parents", State: Parents("tool", Image("base@sha256:"+digits), prefixes)})
	op := g.Find("[tool] folders above the components").GetFile().Actions[0].GetCopy()
	src, dst := someRoot(t), t.TempDir()
	err := fscopy.Copy(t.Context(), src, op.Src, dst, op.Dest, fscopy.WithCopyInfo(fscopy.CopyInfo{
		CopyDirContents: op.DirCopyContents, IncludePatterns: op.IncludePatterns, ExcludePatterns: op.ExcludePatterns,
	}))
	if err != nil {
		t.Fatal(err)
	}
	return dst
}

// someRoot is a root file system with files and folders at every level, and
// names that begin like others.
func someRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range []string{"etc/passwd", "opt/other/file", "opt/.hidden", "optical/file", "home/file", "home/other/file",
		"home/jovyan/.bashrc", "home/jovyan/work/data/file", "home/jovyan/work/home/jovyan/file", "usr/opt/file"} {
		path := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(root, "home/jovyan"), fs.ModeSetgid|0o770); err != nil {
		t.Fatal(err)
	}
	return root
}
