package osparc

import (
	"fmt"
	"strings"
)

// field is a key that a mapping can have.
type field struct {
	key  string
	need need
	rule rule
}

type need int

const (
	optional need = iota // null is as good as absent
	filled               // and so is an empty string
	required
)

// shape is a mapping with given keys. The platform's tool writes them in the
// order of its own models, which is that of the fields here.
type shape struct {
	fields []field
	loose  bool // keys that are not known are left out, not refused
}

func closed(fields ...field) rule { return shape{fields: fields}.apply }
func loose(fields ...field) rule  { return shape{fields: fields, loose: true}.apply }

func (s shape) apply(r *reader, v value) value {
	t, ok := v.data.(table)
	if !ok {
		r.wrong(v, "a mapping")
		return v
	}
	if !s.loose {
		s.unknown(r, v, t)
	}
	out := table{}
	for _, f := range s.fields {
		if e := t.get(f.key); s.wanted(r, v, f, e) {
			e.value = f.rule(r, e.value)
			out = append(out, e)
		}
	}
	v.data = out
	return v
}

// wanted reports whether a key is to be written.
func (s shape) wanted(r *reader, v value, f field, e entry) bool {
	switch {
	case f.need == required:
		if e.key == "" {
			r.add(v.at, fmt.Sprintf("%s has no key %q", v.name, f.key))
		}
		return e.key != ""
	case e.value.data == nil:
		return false
	}
	return f.need != filled || e.value.data != ""
}

func (s shape) unknown(r *reader, v value, t table) {
	known := map[string]bool{}
	var names []string
	for _, f := range s.fields {
		known[f.key] = true
		names = append(names, f.key)
	}
	for _, e := range t {
		if !known[e.key] {
			r.add(e.at, fmt.Sprintf("unknown key %q in %s", e.key, v.name), "the keys are "+strings.Join(names, ", "))
		}
	}
}
