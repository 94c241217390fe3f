package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/pelletier/go-toml/v2/unstable"
)

// How the place of an override begins, and that of a mirror on the command line.
const (
	setFlag    = "--set "
	mirrorFlag = "--mirror "
)

// override is one --set: a value put in the place of the file's before
// anything is decoded, so that it is checked as the file's would be. Its
// problems name the flag instead of a line.
type override struct {
	*loader
	at   problem.Position
	text string
}

func (l *loader) override(flag string) {
	o := override{loader: l, at: problem.Position{File: setFlag + shorten(flag)}}
	key, text, ok := strings.Cut(flag, "=")
	path, valid := parseKey(key)
	if !ok || !valid {
		l.problems.add(o.at, "is not of the form component.key=value")
		return
	}
	o.text = text
	o.set(path)
}

// shorten keeps a flag of many words from filling the screen.
func shorten(flag string) string {
	const limit = 80
	if runes := []rune(flag); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return flag
}

// parseKey is the parts of a dotted key, quoted as in TOML where it must be.
func parseKey(key string) ([]string, bool) {
	var p unstable.Parser
	p.Reset([]byte(key + "=0"))
	if !p.NextExpression() || p.Expression().Kind != unstable.KeyValue {
		return nil, false
	}
	var path []string
	for it := p.Expression().Key(); it.Next(); {
		path = append(path, string(it.Node().Data))
	}
	return path, len(path) <= maxDepth && !p.NextExpression() && p.Error() == nil
}

func (o override) set(path []string) {
	top := reflect.TypeFor[document]()
	f, ok := fieldOf(top, path[0])
	if !ok { // a component's name
		path = slices.Insert(path, 0, "components")
		f, _ = fieldOf(top, path[0])
	}
	least := 2
	if named(f.Type) {
		least = 3
	}
	switch {
	case len(path) < least:
		o.problems.add(o.at, "names no key", "write component.key=value")
	case least == 2 || o.exists(path):
		o.put(o.values, o.root, top, path)
	}
}

// exists reports whether the file has the table that an override names: an
// override never makes one.
func (o override) exists(path []string) bool {
	n := o.root.sub(path[0])
	if n.sub(path[1]) != nil {
		return true
	}
	what := strings.TrimSuffix(path[0], "s")
	o.problems.add(o.at, fmt.Sprintf("there is no %s %q", what, path[1]), hintFor(path[1], n.names(), "the "+path[0]+" are "))
	return false
}

// put sets the value at path below a table, whose settings have the type t,
// nil when that is not known.
func (o override) put(table map[string]any, n *node, t reflect.Type, path []string) {
	key := path[0]
	t = o.below(t, key, table[key])
	if len(path) == 1 {
		table[key] = o.value(t)
		*n.child(key, o.at) = *o.nodes(table[key])
		return
	}
	next, ok := table[key].(map[string]any)
	if !ok && table[key] != nil {
		o.problems.add(o.at, fmt.Sprintf("%s is %s, not a table", key, valueName(table[key])))
		return
	}
	if next == nil {
		next = map[string]any{}
		table[key] = next
	}
	o.put(next, n.child(key, o.at), t, path[1:])
}

// below is the type of a key's value.
func (o override) below(t reflect.Type, key string, value any) reflect.Type {
	if t == nil {
		return nil
	}
	switch {
	case t.Kind() == reflect.Struct:
		f, _ := fieldOf(t, key)
		return f.Type
	case t.Kind() == reflect.Map && t.Elem() == toolType:
		table, _ := value.(map[string]any)
		if k, ok := o.kind(key, table); ok {
			return reflect.TypeOf(k.Defaults()).Elem()
		}
	case t.Kind() == reflect.Map:
		return t.Elem()
	}
	return nil
}

// value is the text as a value for a field of the type t. A string stays what
// it is: "3.0" is not a number.
func (o override) value(t reflect.Type) any {
	switch {
	case t == nil || t == fileType || t == serviceType || t.Kind() == reflect.String:
		return o.text
	case t == debsType && !strings.HasPrefix(o.text, "[") && !strings.HasPrefix(o.text, "{"),
		t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String && !strings.HasPrefix(o.text, "["):
		return words(o.text)
	}
	if v, ok := parseValue(o.text); ok {
		return v
	}
	return o.text
}

// words is a list with commas between its entries.
func words(text string) []any {
	out := []any{}
	for w := range strings.SplitSeq(text, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// parseValue is a value as it would stand in the file.
func parseValue(text string) (any, bool) {
	line := "value = " + text
	if _, err := parsePositions("", []byte(line)); err != nil {
		return nil, false
	}
	values := map[string]any{}
	if _, err := toml.Decode(line, &values); err != nil || len(values) != 1 {
		return nil, false
	}
	return values["value"], true
}

// nodes puts a value and everything in it at the flag.
func (o override) nodes(value any) *node {
	n := &node{at: o.at}
	if table, ok := value.(map[string]any); ok {
		for _, k := range slices.Sorted(maps.Keys(table)) {
			*n.child(k, o.at) = *o.nodes(table[k])
		}
	}
	all, _ := elements(value)
	for _, e := range all {
		n.elements = append(n.elements, o.nodes(e))
	}
	return n
}

// followVersion lets a component's source go when an override states another
// version and leaves the source alone: the file's is that of the file's
// version. It does so for stages that know where their releases come from.
func (l *loader) followVersion(component string, set []string) {
	table, ok := l.values["components"].(map[string]any)[component].(map[string]any)
	version, isString := table["version"].(string)
	if !ok || !isString || !overrides(set, component, "version") || overrides(set, component, "source") {
		return
	}
	kind, ok := l.kind(component, table)
	if !ok {
		return
	}
	r, ok := kind.Defaults().(stage.Released)
	if !ok || table["source"] == nil {
		return
	}
	if release, known := r.Release(version); known {
		l.notes = append(l.notes, replaced(component, version, l.sourceOf(component), release))
		delete(table, "source")
		l.root.sub("components").sub(component).drop("source")
	}
}

// replaced says that an override of the version took the file's source away.
func replaced(component, version, from string, release stage.Source) string {
	return fmt.Sprintf("%s%s.version=%s: the source of %s at %s is replaced by that of the release, %s sha256:%s",
		setFlag, component, version, component, from, release.URL, release.SHA256)
}

// sourceOf is where the file states a component's source, and its address.
func (l *loader) sourceOf(component string) string {
	at := l.root.sub("components").sub(component).sub("source").place().String()
	source, _ := l.values["components"].(map[string]any)[component].(map[string]any)["source"].(map[string]any)
	for _, key := range []string{"url", "git", "debian", "image"} {
		if address, ok := source[key].(string); ok {
			return at + " (" + address + ")"
		}
	}
	return at
}

// overrides reports whether one of the overrides is of a component's key, or of
// something below it.
func overrides(set []string, component, key string) bool {
	return slices.ContainsFunc(set, func(flag string) bool {
		name, _, _ := strings.Cut(flag, "=")
		name = strings.TrimPrefix(strings.TrimSpace(name), "components.")
		return name == component+"."+key || strings.HasPrefix(name, component+"."+key+".")
	})
}
