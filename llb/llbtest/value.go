package llbtest

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Facts is a struct as a paragraph: its title, and a line for each field. A list
// of structs has a line for each of them. Fields with the zero value are left
// out.
func Facts(title string, v any) string {
	lines := []string{title}
	for i, f := range reflect.Indirect(reflect.ValueOf(v)).Fields() {
		if !i.IsExported() || f.IsZero() {
			continue
		}
		for _, text := range entries(f) {
			lines = append(lines, "  "+i.Name+" "+text)
		}
	}
	return strings.Join(lines, "\n")
}

func entries(f reflect.Value) []string {
	if f.Kind() != reflect.Slice || f.Type().Elem().Kind() != reflect.Struct || f.Len() == 0 {
		return []string{value(f)}
	}
	var out []string
	for i := range f.Len() {
		out = append(out, value(f.Index(i)))
	}
	return out
}

// value is v in one line. It says everything that v has and is exported, but
// for fields with the zero value.
func value(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return "none"
		}
		return value(v.Elem())
	case reflect.Struct:
		return "{" + strings.Join(fields(v), " ") + "}"
	case reflect.Map:
		return "{" + strings.Join(pairs(v), " ") + "}"
	case reflect.Slice:
		return list(v)
	case reflect.String:
		return word(v.String())
	}
	return fmt.Sprint(v.Interface())
}

func list(v reflect.Value) string {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return word(string(v.Bytes()))
	}
	var out []string
	for i := range v.Len() {
		out = append(out, value(v.Index(i)))
	}
	return "[" + strings.Join(out, " ") + "]"
}

func pairs(v reflect.Value) []string {
	var out []string
	for key, value := range v.Seq2() {
		out = append(out, pair(key, value))
	}
	slices.Sort(out)
	return out
}

func pair(key, v reflect.Value) string { return word(key.String()) + "=" + value(v) }

// fields are the fields of a struct, as words. Permissions are octal.
func fields(v reflect.Value) []string {
	v = reflect.Indirect(v)
	if !v.IsValid() {
		return []string{"none"}
	}
	var out []string
	for i, f := range v.Fields() {
		switch {
		case !i.IsExported() || f.IsZero():
		case i.Name == "Mode" && f.Kind() == reflect.Int32 && f.Int() > 0:
			out = append(out, fmt.Sprintf("Mode=%#o", f.Int()))
		default:
			out = append(out, i.Name+"="+value(f))
		}
	}
	return out
}

// bare matches what is one word without quotes.
var bare = regexp.MustCompile("^[^\\s\"`\\[\\]{}\\pC]+$")

// word is a text that ends where the next one starts.
func word(s string) string {
	if bare.MatchString(s) {
		return s
	}
	return quoted(s)
}

// line is a text that ends with the line.
func line(s string) string {
	if s == "" || strings.ContainsAny(s[:1], " =\"`") || !strconv.CanBackquote(strings.ReplaceAll(s, "`", "")) {
		return quoted(s)
	}
	return s
}

func quoted(s string) string {
	if strconv.CanBackquote(s) && strings.ContainsAny(s, `"\`) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}
