package config

import (
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/stages"
)

const genericFile = "testdata/generic.toml"

// TestFormsAreKnown: a tag that is misspelt would leave a field without a rule.
func TestFormsAreKnown(t *testing.T) {
	t.Parallel()
	check := func(owner reflect.Type) {
		for _, f := range fields(owner) {
			for _, form := range []string{f.Form, f.Keys} {
				if _, ok := formRule(form); form != "" && !ok {
					t.Errorf("%s.%s has the form %q, which is none", owner, f.Key, form)
				}
			}
		}
	}
	for _, k := range stages.All() {
		owner := reflect.TypeOf(k.Defaults()).Elem()
		check(owner)
		for _, f := range fields(owner) {
			if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
				check(f.Type.Elem())
			}
		}
	}
}

// TestEveryStringHasARule: no string of a component reaches a script as it
// comes, in the tables and lists of its settings neither.
func TestEveryStringHasARule(t *testing.T) {
	t.Parallel()
	for _, k := range stages.All() {
		owner := reflect.TypeOf(k.Defaults()).Elem()
		for _, f := range fields(owner) {
			if _, ok := ruleOf(owner, f); !ok && holdsStrings(f.Type) {
				t.Errorf("%s.%s has no rule: give it a form tag", k.Name, f.Key)
			}
		}
	}
}

func holdsStrings(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String:
		return true
	case reflect.Slice, reflect.Map:
		return holdsStrings(t.Elem())
	}
	return false
}

func TestLoadGeneric(t *testing.T) {
	t.Parallel()
	f := loaded(t, genericFile)
	a := component[*stages.Archive](t, f, "tool")
	same(t, "generic", a.Generic, stage.Generic{
		Licence: "GPL-2.0-only WITH Classpath-exception-2.0", NonCommercial: true,
		Runtime: stage.Debs{"any": {"bc", "libstdc++6"}}, Path: []string{"bin", "/usr/lib/tool"},
		Env: map[string]string{"TOOLHOME": "{prefix}/share; a $b"}, VersionCommand: "tool --version | head -n 1",
		VersionPattern: `^tool "?([0-9.]+)`, Smoke: []string{"tool --help\ntest -d \"$TOOLHOME\"\n"},
	})
	same(t, "keep", a.Keep, []string{"/bin", "*.so"})
	same(t, "prune", a.Prune, []string{"it's a (file)"})

	p := component[*stages.Apt](t, f, "packages")
	same(t, "packages", p.Packages, stage.Debs{"debian-13": {"jq"}, "ubuntu-20.04": {"jq", "libonig5"}})
	same(t, "runtime", p.Runtime, stage.Debs{"any": {"bc"}})

	m := component[*stages.Make](t, f, "compiled")
	same(t, "configure", m.Configure, `./configure --prefix="$PREFIX"`)
	same(t, "build packages", m.BuildPackages, stage.Debs{"any": {"gcc", "make"}})
}

// Each table of an array stands where its own header is.
func TestLoadFileEntries(t *testing.T) {
	t.Parallel()
	at := func(line, col int) problem.Position { return problem.Position{File: genericFile, Line: line, Col: col} }
	read := func(path string) []byte {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	got := component[*stages.Files](t, loaded(t, genericFile), "scripts")
	same(t, "licence", got.Licence, "LicenseRef-Own")
	same(t, "files", got.Files, []stages.Entry{
		{At: at(38, 22), To: "bin/one", Mode: "0755", Owner: "1000:100",
			From: stage.File{At: at(39, 1), Path: "good.toml", Content: read("testdata/good.toml")}},
		{At: at(44, 22), To: "/etc/two/",
			From: stage.File{At: at(45, 1), Path: "bad/requirements.txt", Content: read("testdata/bad/requirements.txt")}},
	})
}

func TestSetPackages(t *testing.T) {
	t.Parallel()
	f := loaded(t, genericFile, "tool.runtime=jq, bc", "packages.packages.debian-13=gojq", `compiled.build_packages={any=["tcc"]}`)
	same(t, "words", component[*stages.Archive](t, f, "tool").Runtime, stage.Debs{"any": {"jq", "bc"}})
	same(t, "a release", component[*stages.Apt](t, f, "packages").Packages["debian-13"], []string{"gojq"})
	same(t, "a table", component[*stages.Make](t, f, "compiled").BuildPackages, stage.Debs{"any": {"tcc"}})
}

func TestSchemaOfForms(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(genericFile)
	if err != nil {
		t.Fatal(err)
	}
	if problems := validate(t, text); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	for text, want := range map[string]string{
		"packages = ['a b']":                    ".components.apt.packages[0] does not match",
		"packages = { 'debian-13' = ['a b'] }":  ".components.apt.packages.debian-13[0] does not match",
		"packages = { sid = ['a'] }":            ".components.apt.packages.sid does not match",
		"env = { 'A B' = '1' }":                 ".components.apt.env.A B does not match",
		"licence = 'MIT; x'":                    ".components.apt.licence does not match",
		"version_command = \"a\\u0007\"":        ".components.apt.version_command does not match",
		"packages = ['']":                       ".components.apt.packages[0] is too short",
		"licence = ''":                          ".components.apt.licence is too short",
		"runtime = 'bc'":                        ".components.apt.runtime is not of type array",
		"smoke = [3]":                           ".components.apt.smoke[0] is not of type string",
		"path = ['../bin']":                     ".components.apt.path[0] does not match",
		"packages = { 'ubuntu-20.04' = 'jq' }":  ".components.apt.packages.ubuntu-20.04 is not of type array",
		"packages = { 'ubuntu-20.04' = [3] }\n": ".components.apt.packages.ubuntu-20.04[0] is not of type string",
	} {
		problems := validate(t, []byte("[components.apt]\nversion = '1'\n"+text))
		if !slices.Contains(problems, want) {
			t.Errorf("%s\ngot  %q\nwant %s", text, problems, want)
		}
	}
}
