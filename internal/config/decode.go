package config

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"
)

// decode puts a value of the file into a field of the settings. A value of
// another type is a problem, and what else can be decoded still is. key is the
// value's name in messages.
func (l *loader) decode(value any, into reflect.Value, n *node, key string) {
	switch {
	case l.problems.full():
	case into.Type() == fileType:
		l.decodeFile(value, into, n, key)
	case into.Type() == serviceType:
		l.decodeService(value, into, n, key)
	case into.Kind() == reflect.Struct:
		l.decodeStruct(value, into, n, key)
	case into.Type() == debsType:
		l.decodeDebs(value, into, n, key)
	case into.Kind() == reflect.Map:
		l.decodeMap(value, into, n, key)
	case into.Kind() == reflect.Slice:
		l.decodeSlice(value, into, n, key)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		l.decode(value, into.Elem(), n, key)
	default:
		l.decodeScalar(value, into, n, key)
	}
}

func (l *loader) decodeStruct(value any, into reflect.Value, n *node, key string) {
	table, ok := value.(map[string]any)
	if !ok {
		l.wrongType(value, into.Type(), n, key)
		return
	}
	setField(into, "At", n.place())
	before := len(l.problems.list)
	for k := range l.keys(n) {
		f, ok := l.field(into.Type(), k)
		if !ok {
			l.problems.add(n.key(k), fmt.Sprintf("unknown key %q", k), hintFor(k, keysOf(into.Type()), "the keys here are "))
			continue
		}
		v := into.FieldByIndex(f.Index)
		known := len(l.problems.list)
		if l.decode(table[k], v, n.sub(k), k); len(l.problems.list) == known {
			l.checkFilled(f, v, n.sub(k))
		}
		l.checkField(into.Type(), f, v, n.sub(k))
	}
	if len(l.problems.list) == before && !l.problems.full() {
		l.checkStruct(into, n)
	}
}

// field is fieldOf, which takes a second for ten thousand components, with the
// types kept that have been looked at.
func (l *loader) field(t reflect.Type, key string) (field, bool) {
	if l.types == nil {
		l.types = map[reflect.Type]map[string]field{}
	}
	if l.types[t] == nil {
		l.types[t] = map[string]field{}
		for _, f := range fields(t) {
			l.types[t][f.Key] = f
		}
	}
	f, ok := l.types[t][key]
	return f, ok
}

// keys is the keys of a table in the order of the file, for as long as problems
// are told.
func (l *loader) keys(n *node) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, k := range n.names() {
			if l.problems.full() || !yield(k) {
				return
			}
		}
	}
}

// The settings of this package that can tell what is wrong with them.
var (
	_ stage.Checker = Fetch{}
	_ stage.Checker = Mirror{}
	_ stage.Checker = (*HealthCheck)(nil)
)

// checkStruct asks a settings type that can tell what is wrong with it.
func (l *loader) checkStruct(v reflect.Value, n *node) {
	c, ok := v.Addr().Interface().(stage.Checker)
	if !ok {
		return
	}
	subject := l.component
	if _, tool := c.(stage.Tool); tool {
		subject = "" // it names itself
	}
	if err := c.Check(); err != nil {
		l.problems.addError(n.place(), subject, err)
	}
}

func (l *loader) decodeMap(value any, into reflect.Value, n *node, key string) {
	table, ok := value.(map[string]any)
	if !ok {
		l.wrongType(value, into.Type(), n, key)
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for k := range l.keys(n) {
		l.problems.within(partOf(into.Type(), key, k), func() {
			l.decodeNamed(table[k], into, n.sub(k), k)
		})
	}
}

// partOf is a table that the user names, as a part of the file.
func partOf(t reflect.Type, key, name string) Part {
	if !named(t) {
		return Part{}
	}
	return Part{key, name}
}

// decodeNamed decodes a key of a map.
func (l *loader) decodeNamed(value any, into reflect.Value, n *node, k string) {
	if named(into.Type()) {
		l.checkName(k, n)
	}
	if v, ok := l.decodeEntry(value, into.Type().Elem(), n, k); ok {
		into.SetMapIndex(reflect.ValueOf(k), v)
	}
}

// decodeDebs takes a table of lists by release, or one list for every release.
func (l *loader) decodeDebs(value any, into reflect.Value, n *node, key string) {
	if _, list := elements(value); !list {
		l.decodeMap(value, into, n, key)
		return
	}
	var names []string
	l.decodeSlice(value, reflect.ValueOf(&names).Elem(), n, key)
	into.Set(reflect.ValueOf(stage.Debs{stage.AnyRelease: names}))
}

func (l *loader) decodeEntry(value any, t reflect.Type, n *node, key string) (reflect.Value, bool) {
	if t == toolType {
		return l.decodeTool(value, n, key)
	}
	v := reflect.New(t).Elem()
	if t.Kind() == reflect.Struct {
		setField(v, "Name", key)
	}
	l.decode(value, v, n, key)
	return v, true
}

// decodeTool decodes a component on top of the defaults of its stage. Where
// that is misspelt, the one it means tells what else is wrong.
func (l *loader) decodeTool(value any, n *node, name string) (reflect.Value, bool) {
	table, ok := value.(map[string]any)
	if !ok {
		l.wrongType(value, toolType, n, name)
		return reflect.Value{}, false
	}
	kind, ok := l.kind(name, table)
	if !ok {
		kind, ok = l.meantStage(name, table, n)
	}
	if !ok {
		return reflect.Value{}, false
	}
	tool := kind.Defaults()
	l.component = name
	defer func() { l.component = "" }()
	l.decode(value, reflect.ValueOf(tool).Elem(), n, name)
	c := tool.Shared()
	c.Name, c.At, c.Stage, c.Keys = name, n.place(), kind.Name, n.positions()
	return reflect.ValueOf(tool), true
}

func (l *loader) decodeSlice(value any, into reflect.Value, n *node, key string) {
	all, ok := elements(value)
	if !ok {
		l.wrongType(value, into.Type(), n, key)
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(all), len(all)))
	for i, e := range all {
		c := &node{at: n.element(i)}
		if n != nil && i < len(n.elements) {
			c = n.elements[i]
		}
		l.decode(e, into.Index(i), c, "an entry of "+key)
	}
}

// elements is an array of values or of tables.
func elements(value any) ([]any, bool) {
	switch v := value.(type) {
	case []any:
		return v, true
	case []map[string]any:
		out := make([]any, len(v))
		for i, t := range v {
			out[i] = t
		}
		return out, true
	}
	return nil, false
}

func (l *loader) decodeScalar(value any, into reflect.Value, n *node, key string) {
	v := reflect.ValueOf(value)
	switch {
	case into.Kind() == reflect.String && v.Kind() == reflect.String:
		into.SetString(v.String())
	case into.Kind() == reflect.Bool && v.Kind() == reflect.Bool:
		into.SetBool(v.Bool())
	case into.CanInt() && v.CanInt() && !into.OverflowInt(v.Int()):
		into.SetInt(v.Int())
	case into.CanFloat() && v.CanFloat():
		into.SetFloat(v.Float())
	case into.CanFloat() && v.CanInt():
		into.SetFloat(float64(v.Int()))
	default:
		l.wrongType(value, into.Type(), n, key)
	}
}

// beside is a path that the user's file names: relative ones start in its folder.
func (l *loader) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(l.path), name)
}

// folder is where relative paths start, in words.
func (l *loader) folder() string {
	if l.path == Stdin {
		return "the working folder"
	}
	return "the folder of " + filepath.Base(l.path)
}

// decodeFile reads the file that a string names.
func (l *loader) decodeFile(value any, into reflect.Value, n *node, key string) {
	name, ok := value.(string)
	if !ok {
		l.wrongType(value, into.Type(), n, key)
		return
	}
	content, err := l.read(l.beside(name), maxFile)
	if name == "" {
		err = errors.New("names no file")
	}
	if err != nil {
		l.problems.addError(n.place(), "", l.unread(key, name, "the path is relative to "+l.folder(), reason(err)))
	}
	into.Set(reflect.ValueOf(stage.File{At: n.place(), Path: name, Content: content}))
}

func (l *loader) wrongType(value any, t reflect.Type, n *node, key string) {
	message := fmt.Sprintf("%s must be %s, not %s", key, typeName(t), valueName(value))
	l.problems.add(n.place(), message, rewrite(value, t, n))
}

// rewrite is how to write a value so that it has the type, where that is sure.
func rewrite(value any, t reflect.Type, n *node) string {
	_, table := value.(map[string]any)
	switch {
	case table && t.Kind() == reflect.Slice && n != nil && len(n.keys) > 0:
		return "quote a key that contains a dot"
	case n == nil || n.raw == "":
		return ""
	case t.Kind() == reflect.String && !isString(value):
		return "write it in quotes: \"" + quotable(n.raw) + "\""
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String && isString(value):
		return "write it in brackets: [" + n.raw + "]"
	}
	return ""
}

// quotable is a value as a string has it: permissions are octal without an o.
func quotable(raw string) string {
	if digits, octal := strings.CutPrefix(raw, "0o"); octal {
		return "0" + digits
	}
	return raw
}

func isString(v any) bool { _, ok := v.(string); return ok }

// typeName is what a value of the type must be.
func typeName(t reflect.Type) string {
	switch {
	case t == fileType:
		return "a string that names a file"
	case t == serviceType:
		return "a string that names a folder"
	case t == debsType:
		return "an array of strings or a table of such arrays"
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice:
		return "an array of " + plural(t.Elem())
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct, t.Kind() == reflect.Interface:
		return "a table"
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case strings.HasPrefix(t.Kind().String(), "float"):
		return "a number"
	}
	return "an integer"
}

func plural(t reflect.Type) string {
	switch name := typeName(t); name {
	case "true or false":
		return "booleans"
	case "a table", "a string", "a number", "an integer":
		return name[strings.Index(name, " ")+1:] + "s"
	default:
		return "entries that are " + name
	}
}

func valueName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case map[string]any:
		return "a table"
	case []any:
		return "an array"
	case []map[string]any:
		return "an array of tables"
	}
	return "a date or time"
}
