package lint

import (
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
)

type update struct {
	Ecosystem   string   `yaml:"package-ecosystem"`
	Directory   string   `yaml:"directory"`
	Directories []string `yaml:"directories"`
	Schedule    struct {
		Interval string `yaml:"interval"`
	} `yaml:"schedule"`
	Allow []struct {
		Name string `yaml:"dependency-name"`
		Type string `yaml:"dependency-type"`
	} `yaml:"allow"`
	Groups map[string]struct {
		Patterns []string `yaml:"patterns"`
		Types    []string `yaml:"update-types"`
	} `yaml:"groups"`
}

// TestDependabot wants every module of the repository, and the actions, to be
// looked at.
func TestDependabot(t *testing.T) {
	var c struct {
		Version int      `yaml:"version"`
		Updates []update `yaml:"updates"`
	}
	decode(t, root+"/.github/dependabot.yml", &c)
	if c.Version != 2 {
		t.Errorf("version is %d, want 2", c.Version)
	}
	watched := map[string][]string{}
	for _, u := range c.Updates {
		if u.Schedule.Interval == "" {
			t.Errorf("%s has no interval", u.Ecosystem)
		}
		watched[u.Ecosystem] = append(watched[u.Ecosystem], u.folders()...)
	}
	if got, want := watched["gomod"], modules(t); !slices.Equal(got, want) {
		t.Errorf("gomod has the modules %q, the repository %q", got, want)
	}
	if got := watched["github-actions"]; !slices.Equal(got, []string{"/"}) {
		t.Errorf("github-actions has %q", got)
	}
}

func (u update) folders() []string {
	if u.Directory != "" {
		return append(u.Directories, u.Directory)
	}
	return u.Directories
}

// modules are the folders of the repository's modules, from its top, sorted.
func modules(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "bin", "dist", "out", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		if d.Name() == "go.mod" {
			rel, err := filepath.Rel(root, filepath.Dir(path))
			out = append(out, filepath.Join("/", rel))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
