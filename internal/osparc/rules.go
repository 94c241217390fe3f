package osparc

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// rule checks a value and gives it the form in which the platform's tool
// writes it.
type rule func(*reader, value) value

// anything is whatever is clear in itself.
func anything(r *reader, v value) value {
	of := func(e value) value { return anything(r, e) }
	switch d := v.data.(type) {
	case unclear:
		r.add(v.at, fmt.Sprintf("%s is %s, which YAML reads as a date or a time", v.name, d), "write it in quotes")
	case []value:
		v.data = each(d, of)
	case table:
		v.data = d.each(of)
	}
	return v
}

func each(all []value, f func(value) value) []value {
	out := make([]value, len(all))
	for i, v := range all {
		out[i] = f(v)
	}
	return out
}

func (t table) each(f func(value) value) table {
	out := make(table, len(t))
	for i, e := range t {
		out[i] = entry{e.at, e.key, f(e.value)}
	}
	return out
}

func text(r *reader, v value) value {
	if _, ok := v.data.(string); !ok {
		r.wrong(v, "a string")
	}
	return v
}

func boolean(r *reader, v value) value {
	if _, ok := v.data.(bool); !ok {
		r.wrong(v, "true or false")
	}
	return v
}

// number is a float, an integer too.
func number(r *reader, v value) value {
	switch d := v.data.(type) {
	case float64:
	case int64:
		v.data = float64(d)
	case uint64:
		v.data = float64(d)
	default:
		r.wrong(v, "a number")
	}
	return v
}

// count is an integer, none below 0.
func count(r *reader, v value) value {
	if n, ok := v.data.(int64); !ok || n < 0 {
		r.wrong(v, "a whole number, 0 or more")
	}
	return v
}

// simple is a string, a number or a boolean.
func simple(r *reader, v value) value {
	switch v.data.(type) {
	case string, bool, int64, uint64, float64:
	default:
		r.wrong(v, "a string, a number or a boolean")
	}
	return v
}

// item is what a box offers: a string, a boolean or a float.
func item(r *reader, v value) value {
	if _, ok := v.data.(int64); ok {
		return number(r, v)
	}
	return simple(r, v)
}

// form is a string that matches.
func form(pattern, must string) rule {
	re := regexp.MustCompile(pattern)
	return func(r *reader, v value) value {
		s, ok := v.data.(string)
		if !ok {
			return text(r, v)
		}
		if !re.MatchString(s) {
			r.wrong(v, must)
		}
		return v
	}
}

// choice is one of some words.
func choice(words ...string) rule {
	return func(r *reader, v value) value {
		s, ok := v.data.(string)
		if !ok {
			return text(r, v)
		}
		if !slices.Contains(words, s) {
			r.wrong(v, strings.Join(words[:len(words)-1], ", ")+" or "+words[len(words)-1])
		}
		return v
	}
}

// email is in lower case.
func email(r *reader, v value) value {
	v = form(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`, "an email address")(r, v)
	if s, ok := v.data.(string); ok {
		v.data = strings.ToLower(s)
	}
	return v
}

// link is an address; one of a host alone ends with a slash.
func link(r *reader, v value) value {
	s, _ := v.data.(string)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.wrong(v, "a string that is an http or https address")
		return v
	}
	u.Host = strings.ToLower(u.Host)
	if u.Path == "" {
		u.Path = "/"
	}
	v.data = u.String()
	return v
}

// folder is a clean path.
func folder(r *reader, v value) value {
	s, ok := v.data.(string)
	if !ok {
		return text(r, v)
	}
	if !filepath.IsAbs(s) {
		r.wrong(v, "an absolute path")
	}
	v.data = path(filepath.Clean(s))
	return v
}

// moment is a date, with a time or without.
func moment(r *reader, v value) value {
	s := fmt.Sprint(v.data)
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			v.data = t.Format("2006-01-02T15:04:05")
			return v
		}
		if t, err := time.Parse(layout+"Z07:00", s); err == nil && layout != "2006-01-02" {
			v.data = t.Format("2006-01-02T15:04:05-07:00")
			return v
		}
	}
	r.wrong(v, "a date as in 2026-08-31 or 2026-08-31T13:45:30")
	return v
}

// list is a list of what the rule says, with a least number of entries.
func list(least int, of rule) rule {
	return func(r *reader, v value) value {
		all, ok := v.data.([]value)
		if !ok {
			r.wrong(v, "a list")
			return v
		}
		if len(all) < least {
			r.add(v.at, v.name+" must not be empty")
		}
		v.data = each(all, func(e value) value { return of(r, e) })
		return v
	}
}

// dict is a mapping from names of a form to what the rule says.
func dict(key string, of rule) rule {
	re := regexp.MustCompile(key)
	return func(r *reader, v value) value {
		t, ok := v.data.(table)
		if !ok {
			r.wrong(v, "a mapping")
			return v
		}
		for _, e := range t {
			if !re.MatchString(e.key) {
				r.add(e.at, fmt.Sprintf("%q cannot be a key of %s", e.key, v.name))
			}
		}
		v.data = t.each(func(e value) value { return of(r, e) })
		return v
	}
}

// either is a string or a list of strings.
func either(r *reader, v value) value {
	if _, ok := v.data.([]value); ok {
		return list(0, text)(r, v)
	}
	return text(r, v)
}
