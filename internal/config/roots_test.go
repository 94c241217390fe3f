package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
)

// repositoryOf is a repository with a project in a folder of its own, and beside
// it a file that is nobody's business. Files is what the project names.
func repositoryOf(t *testing.T, table string) (project, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"repo/.git/HEAD": "ref", "repo/lists/notes.txt": "notes\n", "secret": "root:x\n", "data/atlas": "atlas\n"} {
		testkit.Write(t, filepath.Join(dir, name), text)
	}
	project = filepath.Join(dir, "repo/project/components.toml")
	testkit.Write(t, project, image+table)
	return project, dir
}

func filesFrom(from string) string {
	return fmt.Sprintf("[components.notes]\nstage = \"files\"\nversion = \"1\"\nprefix = \"/opt/notes\"\n"+
		"[[components.notes.files]]\nfrom = %q\nto = \"notes.txt\"\n", from)
}

// TestFilesLieInTheRepository: whoever changes a components.toml, in a pull
// request for example, must not get other files of the machine into an image.
func TestFilesLieInTheRepository(t *testing.T) {
	t.Parallel()
	link := func(to string) func(string) { return func(at string) { _ = os.Symlink(to, at) } }
	for name, c := range map[string]struct {
		from string
		make func(at string) // of project/link
		want string
	}{
		"beside":                  {"../lists/notes.txt", nil, ""},
		"link inside":             {"link", link("../lists/notes.txt"), ""},
		"folder link inside":      {"link/notes.txt", link("../lists"), ""},
		"out and in":              {"../../repo/lists/notes.txt", nil, ""},
		"above":                   {"../../secret", nil, "is outside"},
		"far above":               {"../../../../../../../../../../etc/passwd", nil, "is outside"},
		"absolute":                {"/etc/passwd", nil, "is outside"},
		"absent above":            {"../../nothing", nil, "is outside"},
		"link":                    {"link", link("../../secret"), "is outside"},
		"absolute link":           {"link", link("/etc/passwd"), "is outside"},
		"folder link":             {"link/secret", link("../.."), "is outside"},
		"link to a link":          {"link/../link", link("link"), "link"},
		"link to nothing":         {"link", link("../../nothing"), "there is no such file"},
		"absent":                  {"nothing", nil, "there is no such file"},
		"a device through a link": {"link", link("/dev/zero"), "is outside"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			project, dir := repositoryOf(t, filesFrom(c.from))
			if c.make != nil {
				c.make(filepath.Join(filepath.Dir(project), "link"))
			}
			_, err := Load(project, nil)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if c.want == "is outside" {
				testkit.WantText(t, err, project+":7:1: from ", c.from, "is outside "+filepath.Join(realPath(t, dir), "repo"), "hint: put it below that folder", "--allow-files DIR")
			}
		})
	}
}

func realPath(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// Without a repository the project's own folder holds all, and folders that are
// allowed hold more.
func TestAllowedFiles(t *testing.T) {
	t.Parallel()
	project, dir := repositoryOf(t, filesFrom("../../data/atlas"))
	if _, err := Load(project, nil); err == nil {
		t.Error("a file outside of the repository is read")
	}
	if _, err := Load(project, nil, filepath.Join(dir, "nowhere"), filepath.Join(dir, "data")); err != nil {
		t.Errorf("in an allowed folder: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "repo/.git")); err != nil {
		t.Fatal(err)
	}
	testkit.Write(t, project, image+filesFrom("../lists/notes.txt"))
	if _, err := Load(project, nil); err == nil {
		t.Error("without a repository, a file outside of the project's folder is read")
	}
}

// TestBasesLieInTheRepository: the files of bases are read later, and need not
// exist yet.
func TestBasesLieInTheRepository(t *testing.T) {
	t.Parallel()
	for key, c := range map[string]struct {
		name    string
		outside bool
	}{
		"tar": {"../out/base.tar", false}, "oci": {"../../layout", true},
	} {
		project, _ := repositoryOf(t, fmt.Sprintf("[bases.a]\n%s = %q\n", key, c.name))
		_, err := Load(project, nil)
		if !c.outside && err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if c.outside {
			testkit.WantText(t, err, fmt.Sprintf("%s:3:1: %s %q: is outside ", project, key, c.name), "hint: put it below")
		}
	}
}

// The file itself may be a link within its repository only.
func TestFileThatIsALink(t *testing.T) {
	t.Parallel()
	project, dir := repositoryOf(t, filesFrom("../lists/notes.txt"))
	testkit.Write(t, filepath.Join(dir, "other.toml"), image)
	for to, refused := range map[string]bool{project: false, filepath.Join(dir, "other.toml"): true} {
		at := filepath.Join(filepath.Dir(project), filepath.Base(to)+".link")
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
		_, err := Load(at, nil)
		if refused != (err != nil && strings.Contains(problem.Text(err), "is outside")) {
			t.Errorf("a link to %s: %v", to, err)
		}
	}
}

func TestSiteAllowsFolders(t *testing.T) {
	t.Parallel()
	s, err := parseSite("site.toml", []byte("[files]\nallow = [\"/srv/atlases\"]\n"))
	if err != nil || len(s.Files.Allow) != 1 {
		t.Errorf("got %v, %v", s, err)
	}
	_, err = parseSite("site.toml", []byte("[files]\nallow = [\"atlases\"]\n"))
	testkit.WantText(t, err, `site.toml:1:`, `allow "atlases" is not an absolute path`, "hint: ")
}
