package llbtest

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bk "github.com/moby/buildkit/client/llb"
)

// update is the test flag that renews golden files.
var update = flag.Bool("update", false, "renew the golden files")

// repeats is how often Stable makes a state: often enough for the random order
// of a map with two keys to show.
const repeats = 25

// extension is that of golden files.
const extension = ".txt"

// Golden compares the texts with the golden files of a folder, one each, named
// as the text is: "ants/zip" has "ants/zip.txt". What several texts say stands
// once, in shared.txt; its names can be changed there by hand. The folder must
// have no other text files. With the flag -update the files are written instead.
//
// A text is paragraphs with a blank line between them: Facts and Graph.String
// write such.
func Golden(t *testing.T, dir string, texts map[string]string) {
	t.Helper()
	old := read(t, dir)
	files, err := golden(withExtension(texts), old)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	if *update {
		renew(t, dir, files, old)
		return
	}
	wrong := differences(files, old)
	for _, file := range slices.Sorted(maps.Keys(wrong)) {
		t.Run(strings.TrimSuffix(file, extension), func(t *testing.T) {
			if wrong[file] != "" {
				t.Errorf("%s %s\nhint: when it should be so, make golden renews it", filepath.Join(dir, file), wrong[file])
			}
		})
	}
}

func withExtension(texts map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range texts {
		out[name+extension] = text
	}
	return out
}

// differences says of each file how it differs from the old one, "" for not at
// all.
func differences(files, old map[string]string) map[string]string {
	out := map[string]string{}
	for file := range old {
		out[file] = "is of no test"
	}
	for file, got := range files {
		want, ok := old[file]
		switch {
		case !ok:
			out[file] = "is missing"
		case want != got:
			out[file] = "differs:\n" + firstDifference(want, got)
		default:
			out[file] = ""
		}
	}
	return out
}

// read is the golden files of a folder, without their last line ends.
func read(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != extension {
			return err
		}
		data, err := os.ReadFile(file)
		name, _ := filepath.Rel(dir, file)
		files[filepath.ToSlash(name)] = strings.TrimSuffix(string(data), "\n")
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return files
}

// renew writes the files and removes those that are no more.
func renew(t testing.TB, dir string, files, old map[string]string) {
	t.Helper()
	for file := range old {
		if _, ok := files[file]; !ok {
			must(t, os.Remove(filepath.Join(dir, file)))
		}
	}
	for file, text := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, file), []byte(text+"\n"), 0o644))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Stable fails when the definitions of the states that build makes differ.
func Stable(t testing.TB, build func() bk.State) {
	t.Helper()
	first := Bytes(t, Marshal(t, build()))
	for range repeats - 1 {
		if next := Bytes(t, Marshal(t, build())); !bytes.Equal(first, next) {
			t.Fatalf("two definitions of one state differ:\n%s", firstDifference(string(first), string(next)))
		}
	}
}

// firstDifference is the first line that differs, as both have it.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w)-1 && i < len(g)-1 && w[i] == g[i] {
		i++
	}
	return "- " + w[i] + "\n+ " + g[i]
}
