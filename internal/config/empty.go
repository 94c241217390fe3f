package config

import (
	"maps"
	"reflect"
	"slices"
)

// What of a field may be an empty string, by its tag "empty". Elsewhere one says
// nothing: it is a mistake, and a key is left out instead.
const (
	emptyValues    = "values"    // each: variables and labels can be set to nothing
	emptyArguments = "arguments" // all but the first, which is a program
)

// checkFilled refuses the empty strings of a field.
func (l *loader) checkFilled(f field, v reflect.Value, n *node) {
	switch {
	case f.Empty == emptyValues:
	case f.Empty == emptyArguments && v.Len() > 0:
		l.filled("the first entry of "+f.Key, v.Index(0), n.entry(0))
	case f.Empty == "":
		l.filled(f.Key, v, n)
	}
}

// filled refuses empty strings in a value, at their place.
func (l *loader) filled(key string, v reflect.Value, n *node) {
	switch {
	case v.Kind() == reflect.String && v.Len() == 0:
		l.problems.add(n.place(), key+" is empty", "write a value, or leave it out")
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		for i := range v.Len() {
			l.filled("an entry of "+key, v.Index(i), n.entry(i))
		}
	case v.Kind() == reflect.Map && v.Type().Elem().Kind() != reflect.Struct && v.Type().Elem() != toolType:
		for _, k := range slices.Sorted(maps.Keys(n.tables(v))) {
			l.filled(key, v.MapIndex(reflect.ValueOf(k)), n.tables(v)[k])
		}
	}
}

// entry is where an entry of an array stands.
func (n *node) entry(i int) *node { return &node{at: n.element(i)} }
