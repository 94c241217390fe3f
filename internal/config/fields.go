package config

import (
	"reflect"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// field is a key that a settings type has.
type field struct {
	Key   string
	Doc   string
	Type  reflect.Type
	Index []int
	Form  string // what its strings must look like, by the name that formRule has for it
	Keys  string // the same of a map's keys
	Empty string // which of its strings may be empty: emptyValues, emptyArguments or none
}

// fields lists the keys of a struct, those of embedded structs included, in
// the order of the source. Fields tagged "-" are not the user's.
func fields(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" || f.Type == positionType {
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		out = append(out, field{Key: name, Doc: f.Tag.Get("doc"), Type: f.Type, Index: f.Index,
			Form: f.Tag.Get("form"), Keys: f.Tag.Get("keys"), Empty: f.Tag.Get("empty")})
	}
	return out
}

func fieldOf(t reflect.Type, key string) (field, bool) {
	for _, f := range fields(t) {
		if f.Key == key {
			return f, true
		}
	}
	return field{}, false
}

func keysOf(t reflect.Type) []string {
	var out []string
	for _, f := range fields(t) {
		out = append(out, f.Key)
	}
	return out
}

var (
	positionType = reflect.TypeFor[problem.Position]()
	fileType     = reflect.TypeFor[stage.File]()
	toolType     = reflect.TypeFor[stage.Tool]()
	sourceType   = reflect.TypeFor[stage.Source]()
	debsType     = reflect.TypeFor[stage.Debs]()
)

// named reports whether the values of a map type are tables that the user
// names: bases, components, targets.
func named(t reflect.Type) bool {
	return t.Kind() == reflect.Map && (t.Elem() == toolType || t.Elem().Kind() == reflect.Struct)
}

// setField sets a field that is not the user's, where the struct has it.
func setField(v reflect.Value, name string, value any) {
	f := v.FieldByName(name)
	if f.IsValid() && f.CanSet() && f.Type() == reflect.TypeOf(value) {
		f.Set(reflect.ValueOf(value))
	}
}
