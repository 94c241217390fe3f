package output

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
)

// What could not be written in the end is refused before anything is built, with
// a hint: a place that cannot be written with exit code 1, places that are in
// each other's way with 2.
func TestCheckPlacesRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "file"), "x")
	check(t, os.MkdirAll(filepath.Join(dir, "folder"), 0o755))
	check(t, os.Symlink("folder", filepath.Join(dir, "link")))
	for _, c := range []struct {
		code    int
		want    string
		outputs []string
	}{
		{1, "folder is a folder, not a file", []string{"type=oci,dest=DIR/folder"}},
		{1, "file is a file, not a folder", []string{"type=oci,tar=false,dest=DIR/file"}},
		{1, "file is a file, not a folder", []string{"type=local,dest=DIR/file"}},
		{1, "below is below a file", []string{"type=tar,dest=DIR/file/below"}},
		{1, "more is below a file", []string{"type=local,dest=DIR/file/below/more"}},
		{1, "link is a symbolic link, which is not followed", []string{"type=local,dest=DIR/link"}},
		{1, "/dev/null is not a regular file", []string{"type=tar,dest=/dev/null"}},
		{2, "two outputs are written to", []string{"type=tar,dest=DIR/x", "type=oci,dest=DIR/./x"}},
		{2, "one is inside the other", []string{"type=local,dest=DIR/new", "type=oci,dest=DIR/new/x.tar"}},
		{2, "one is inside the other", []string{"type=oci,dest=DIR/new/x.tar", "type=local,dest=DIR/new"}},
	} {
		var all []Output
		for _, s := range c.outputs {
			all = append(all, parsed(t, strings.ReplaceAll(s, "DIR", dir)))
		}
		err := CheckPlaces(all)
		testkit.WantText(t, err, c.want)
		if problem.ExitCode(err) != c.code || len(problem.Hints(err)) == 0 {
			t.Errorf("%s: exit code %d: %s", c.outputs, problem.ExitCode(err), problem.Text(err))
		}
	}
	for _, f := range []File{{"--metadata-file", filepath.Join(dir, "folder")}, {"--iidfile", filepath.Join(dir, "file/x")}} {
		if err := CheckPlaces(nil, f); problem.ExitCode(err) != 1 || len(problem.Hints(err)) == 0 {
			t.Errorf("%v: %v", f, err)
		}
	}
	x := filepath.Join(dir, "x")
	testkit.WantText(t, CheckPlaces([]Output{parsed(t, "type=tar,dest="+x)}, File{"--iidfile", x}), "is written by another option too\nhint: ")
}

func TestCheckPlacesTakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "file"), "x")
	var all []Output
	for _, s := range []string{"type=tar,dest=DIR/file", "type=oci,dest=DIR/a/b/c.tar", "type=local,dest=DIR/a/files", "type=oci,tar=false,dest=DIR/layout", "type=image", "type=docker", "-"} {
		all = append(all, parsed(t, strings.ReplaceAll(s, "DIR", dir)))
	}
	check(t, CheckPlaces(all, File{"--metadata-file", filepath.Join(dir, "layout", "m.json")}, File{"--iidfile", ""}))
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the check made something: %v, %v", left, err)
	}
}
