package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"

	"github.com/medbuild/medbuild/stages"
)

//go:embed starter.toml
var starter string

// Starter is the file that medbuild init writes: a small image with comments,
// and every key of every stage as a comment.
func Starter() []byte {
	var b strings.Builder
	b.WriteString(starter)
	b.WriteString("\n# The stages and their keys, with the values they have when left out.\n")
	for _, k := range stages.All() {
		fmt.Fprintf(&b, "#\n# [components.%s]  # %s\n", k.Name, k.About)
		defaults := k.Defaults()
		defaults.Shared().Stage = k.Name
		listKeys(&b, "", reflect.ValueOf(defaults).Elem())
	}
	return []byte(b.String())
}

// listKeys writes a comment line for each key; those of a table within as
// dotted keys.
func listKeys(b *strings.Builder, above string, v reflect.Value) {
	for _, f := range fields(v.Type()) {
		value := v.FieldByIndex(f.Index)
		if f.Type.Kind() == reflect.Struct && f.Type != fileType {
			listKeys(b, above+f.Key+".", value)
			continue
		}
		fmt.Fprintf(b, "# %s%s = %s  # %s\n", above, f.Key, literal(value), f.Doc)
	}
}

// literal is a value as TOML has it.
func literal(v reflect.Value) string {
	switch {
	case v.Type() == fileType:
		return `""`
	case v.Kind() == reflect.String:
		return fmt.Sprintf("%q", v.String())
	case v.Kind() == reflect.Slice:
		return list(v)
	case v.Kind() == reflect.Map:
		return "{}"
	}
	return fmt.Sprint(v.Interface())
}

func list(v reflect.Value) string {
	all := make([]string, v.Len())
	for i := range all {
		all[i] = literal(v.Index(i))
	}
	return "[" + strings.Join(all, ", ") + "]"
}
