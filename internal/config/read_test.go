package config

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/medbuild/medbuild/stages"
)

const fileInFolder = `[components.python]
version = "3.12"
requirements = "../lists/requirements.txt"
`

// A file is read from any file system, with the files that it names.
func TestLoadFS(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"project/components.toml": {Data: []byte(`image = { name = "a", version = "1" }` + "\n" + fileInFolder)},
		"lists/requirements.txt":  {Data: []byte("numpy==1.0\n")},
	}
	f, err := LoadFS(files, "./project/components.toml", []string{"python.version=3.13"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "folder", f.Dir(), "project")
	same(t, "version", f.Components[0].Shared().Version, "3.13")
	if c, ok := f.Component("python"); !ok || string(c.(*stages.Python).Requirements.Content) != "numpy==1.0\n" {
		t.Errorf("python is %+v", c)
	}
}

// What leads out of a file system is not read, whatever the machine has there.
func TestLoadFSStaysInside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../../x", "/etc/passwd"} {
		text := strings.Replace(fileInFolder, "../lists/requirements.txt", name, 1)
		files := fstest.MapFS{"components.toml": {Data: []byte(text)}}
		_, err := LoadFS(files, "components.toml", nil)
		if err == nil || !strings.Contains(err.Error(), `requirements "`+name+`": lies outside the folder that is read`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// brokenFS has files that nobody can read.
type brokenFS struct{ fstest.MapFS }

func (b brokenFS) Open(string) (fs.File, error) { return nil, errors.New("the disk is on fire") }

func TestLoadFSFails(t *testing.T) {
	t.Parallel()
	_, err := LoadFS(brokenFS{fstest.MapFS{"a.toml": {}}}, "a.toml", nil)
	if err == nil || err.Error() != "a.toml: the disk is on fire" {
		t.Errorf("got %v", err)
	}
}
