package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/medbuild/medbuild/stages"
)

// TestEmptyStrings: of every setting of every stage that is a string or a list
// of strings, an empty one is refused.
func TestEmptyStrings(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, k := range stages.All() {
		for _, f := range fields(reflect.TypeOf(k.Defaults()).Elem()) {
			value, want := emptyOf(f)
			if value == "" || f.Key == "stage" {
				continue
			}
			seen++
			text := "[components.x]\nstage = \"" + k.Name + "\"\n" + f.Key + " = " + value + "\n"
			_, err := LoadFS(fstest.MapFS{"a.toml": {Data: []byte(text)}}, "a.toml", nil)
			if err == nil || !strings.Contains(err.Error(), "a.toml:3:") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %s: want %q, got %v", f.Key, k.Name, want, err)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d settings are looked at", seen)
	}
}

// emptyOf is an empty string as a field's value, and what is said of it; "" for
// a field that has none.
func emptyOf(f field) (value, want string) {
	switch {
	case f.Type == fileType:
		return `""`, "names no file"
	case f.Type == debsType:
		return `[""]`, f.Key + " is empty"
	case f.Type.Kind() == reflect.String:
		return `""`, f.Key + " is empty"
	case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.String:
		return `["a", ""]`, "an entry of " + f.Key + " is empty"
	}
	return "", ""
}

// TestEmptyStringsOfTargets: what can be set to nothing may be; a program cannot.
func TestEmptyStringsOfTargets(t *testing.T) {
	t.Parallel()
	const file = `image = { name = "a", version = "1" }
bases.b.tar = "b.tar"
targets.t = { base = "b", %s }
`
	for line, want := range map[string]string{
		`env = { A = "" }, labels = { b = "" }, cmd = ["sh", "-c", ""]`: "",
		`cmd = [""]`:                                "the first entry of cmd is empty",
		`entrypoint = ["", "a"]`:                    "the first entry of entrypoint is empty",
		`healthcheck = { command = [""] }`:          "the first entry of command is empty",
		`ports = [""]`:                              "an entry of ports is empty",
		`user = ""`:                                 "user is empty",
		`accounts = { a = { uid = 1, home = "" } }`: "home is empty",
	} {
		_, err := LoadFS(fstest.MapFS{"a.toml": {Data: fmt.Appendf(nil, file, line)}}, "a.toml", nil)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: want %q, got %v", line, want, err)
		}
	}
}

// TestOverrideOfTheVersionSaysWhatItReplaces: the file's source goes, and both
// are named.
func TestOverrideOfTheVersionSaysWhatItReplaces(t *testing.T) {
	t.Parallel()
	text := `image = { name = "a", version = "1" }
[components.mrtrix3]
version = "3.0.4"
[components.mrtrix3.source]
url = "https://files.example/mine.tar.gz"
sha256 = "` + strings.Repeat("5a", 32) + "\"\n"
	files := fstest.MapFS{"a.toml": {Data: []byte(text)}}
	f, err := LoadFS(files, "a.toml", []string{"mrtrix3.version=3.0.8"})
	if err != nil {
		t.Fatal(err)
	}
	want := "--set mrtrix3.version=3.0.8: the source of mrtrix3 at a.toml:4:21 (https://files.example/mine.tar.gz) is replaced by that of the release, " +
		"https://github.com/MRtrix3/mrtrix3/archive/3.0.8.tar.gz sha256:9c694934781c287c51a0d35ad5d7687b529e5c04e3b2ac0985599b0c48644721"
	if len(f.Notes) != 1 || f.Notes[0] != want {
		t.Errorf("notes %q, want %q", f.Notes, want)
	}
	for _, set := range [][]string{nil, {"mrtrix3.version=3.0.8", "mrtrix3.source.url=https://files.example/other.tar.gz"}, {"mrtrix3.prefix=/opt/x"}} {
		if f, err := LoadFS(files, "a.toml", set); err == nil && len(f.Notes) > 0 {
			t.Errorf("%q: notes %q", set, f.Notes)
		}
	}
}
