package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/BurntSushi/toml"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages"
)

// validator checks values against a schema. It knows the words that Schema
// uses and fails on any other.
type validator struct {
	defs map[string]any
}

func (v validator) check(s map[string]any, value any, at string) []string {
	var all []string
	for _, word := range slices.Sorted(maps.Keys(s)) {
		all = append(all, v.word(s, word, value, at)...)
	}
	return all
}

func (v validator) word(s map[string]any, word string, value any, at string) []string {
	switch word {
	case "$schema", "$defs", "title", "description", "default":
		return nil
	case "$ref":
		return v.check(v.defs[strings.TrimPrefix(s[word].(string), "#/$defs/")].(map[string]any), value, at)
	case "type":
		return v.kind(s[word].(string), value, at)
	case "const":
		return failed(value != s[word], at, "is not "+fmt.Sprint(s[word]))
	case "pattern":
		text, ok := value.(string)
		return failed(ok && !regexp.MustCompile(s[word].(string)).MatchString(text), at, "does not match")
	case "minLength":
		text, ok := value.(string)
		least, _ := s[word].(float64)
		return failed(ok && len(text) < int(least), at, "is too short")
	case "required", "properties", "additionalProperties", "propertyNames":
		table, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		return v.table(s, word, table, at)
	case "items":
		return v.items(s[word].(map[string]any), value, at)
	case "anyOf", "oneOf":
		return v.one(s[word].([]any), value, at)
	}
	return []string{"the schema has " + word}
}

func failed(yes bool, at, what string) []string {
	if yes {
		return []string{at + " " + what}
	}
	return nil
}

func (v validator) kind(name string, value any, at string) []string {
	ok := map[string]bool{
		"object": reflect.TypeOf(value).Kind() == reflect.Map, "array": reflect.TypeOf(value).Kind() == reflect.Slice,
		"string": reflect.TypeOf(value).Kind() == reflect.String, "boolean": reflect.TypeOf(value).Kind() == reflect.Bool,
		"integer": reflect.TypeOf(value).Kind() == reflect.Int64, "number": reflect.TypeOf(value).Kind() == reflect.Float64,
	}
	return failed(!ok[name], at, "is not of type "+name)
}

func (v validator) table(s map[string]any, word string, table map[string]any, at string) []string {
	var all []string
	known, _ := s["properties"].(map[string]any)
	if word == "required" {
		for _, k := range s[word].([]any) {
			_, ok := table[k.(string)]
			all = append(all, failed(!ok, at, "lacks "+k.(string))...)
		}
		return all
	}
	for _, k := range slices.Sorted(maps.Keys(table)) {
		below, isKnown := known[k].(map[string]any)
		others, open := s["additionalProperties"].(map[string]any)
		switch {
		case word == "propertyNames":
			all = append(all, v.check(s[word].(map[string]any), k, at+"."+k)...)
		case word == "properties" && isKnown:
			all = append(all, v.check(below, table[k], at+"."+k)...)
		case word == "additionalProperties" && !isKnown && open:
			all = append(all, v.check(others, table[k], at+"."+k)...)
		case word == "additionalProperties" && !isKnown:
			all = append(all, at+"."+k+" is unknown")
		}
	}
	return all
}

func (v validator) items(s map[string]any, value any, at string) []string {
	var all []string
	entries, _ := elements(value)
	for i, e := range entries {
		all = append(all, v.check(s, e, fmt.Sprintf("%s[%d]", at, i))...)
	}
	return all
}

// one is anyOf and, as Schema's alternatives shut each other out, oneOf.
func (v validator) one(choices []any, value any, at string) []string {
	var all []string
	for _, c := range choices {
		problems := v.check(c.(map[string]any), value, at)
		if len(problems) == 0 {
			return nil
		}
		all = append(all, problems...)
	}
	return all
}

// validate holds a components.toml against the schema.
func validate(t *testing.T, text []byte) []string {
	t.Helper()
	out, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s, values map[string]any
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	return validator{s["$defs"].(map[string]any)}.check(s, values, "")
}

func TestSchemaAccepts(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob("../../examples/*/components.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(examples, good) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if problems := validate(t, text); len(problems) > 0 {
			t.Errorf("%s: %s", path, strings.Join(problems, "\n"))
		}
	}
	if problems := validate(t, Starter()); len(problems) > 0 {
		t.Errorf("starter: %s", strings.Join(problems, "\n"))
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[components.mrtrix3]\nversion = 3.0":                           ".components.mrtrix3.version is not of type string",
		"[components.mrtrix3]\nversion = '3'\ncomands = []":             ".components.mrtrix3.comands is unknown",
		"[components.mrtrix3]\n":                                        ".components.mrtrix3 lacks version",
		"[components.old]\nversion = '3'":                               ".components.old lacks stage",
		"[components.old]\nstage = 'ants'\nversion = '3'\ngui = true":   ".components.old.gui is unknown",
		"[components.mrtrix3]\nversion = '3'\nsource = {sha256 = '12'}": ".components.mrtrix3.source.sha256 does not match",
		"[components.Ants]\nversion = '3'\nstage = 'ants'":              ".components.Ants does not match",
		"[targets.a]\ncomponents = ['x']":                               ".targets.a lacks base",
		"[targets.a]\nbase = 'x'\nenv = { A = 1 }":                      ".targets.a.env.A is not of type string",
		"[imag]": ".imag is unknown",
	} {
		problems := validate(t, []byte(text))
		if !slices.Contains(problems, want) {
			t.Errorf("%s\ngot  %q\nwant %s", text, problems, want)
		}
	}
}

// Every key of every stage is in the schema with its description, whatever
// stages there are.
func TestSchemaIsComplete(t *testing.T) {
	t.Parallel()
	for _, k := range stages.All() {
		s := kindSchema(k)
		for _, f := range fields(reflect.TypeOf(k.Defaults()).Elem()) {
			property, ok := s["properties"].(schema)[f.Key].(schema)
			if !ok || property["description"] != f.Doc {
				t.Errorf("%s.%s: %v", k.Name, f.Key, property)
			}
			if f.Doc == "" {
				t.Errorf("%s.%s has no doc tag", k.Name, f.Key)
			}
		}
	}
}

func TestStarter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "components.toml")
	if err := os.WriteFile(path, Starter(), 0o644); err != nil {
		t.Fatal(err)
	}
	f := loaded(t, path)
	if len(f.Targets) != 1 || len(f.Bases) != 1 || len(f.Components) == 0 {
		t.Errorf("got %+v", f)
	}
}

// The starter's list of a stage's keys can be uncommented as it is: the keys
// and the types are right, and all that is left to say is what the hints ask to
// add, such as the version, and the files.
func TestStarterComments(t *testing.T) {
	t.Parallel()
	_, list, _ := strings.Cut(string(Starter()), "when left out.\n#\n")
	blocks := strings.Split(list, "\n#\n")
	if len(blocks) != len(stages.All()) {
		t.Fatalf("%d blocks for %d stages", len(blocks), len(stages.All()))
	}
	for _, b := range blocks {
		text := regexp.MustCompile(`(?m)^# ?`).ReplaceAllString(b, "")
		_, err := LoadFS(fstest.MapFS{"components.toml": {Data: []byte(text)}}, "components.toml", nil)
		for _, p := range listed(t, err) {
			filledIn := strings.Contains(p.Message, "names no file") || strings.HasSuffix(p.Message, " is empty")
			if !strings.Contains(problem.Text(p), "\nhint: add ") && !filledIn {
				t.Error(p)
			}
		}
	}
}
