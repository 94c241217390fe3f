package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// rule is what a string of the file must look like.
type rule struct {
	form *regexp.Regexp
	must string // follows the key in messages
}

var (
	nameRule = rule{regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`),
		"must be lower-case letters, digits, _ and -, starting with a letter or a digit"}
	// Strings of a component are words of commands: those that a shell would take
	// for more are quoted, but mean nothing.
	wordRule = rule{regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./+:@=~-]*$`),
		"must be letters, digits and _ . / + : @ = ~ -, starting with a letter, a digit, _ . or /"}
	entryRule = rule{regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]*$`),
		"must be letters, digits and _ . + -, starting with a letter, a digit or _"}
	patternRule = rule{regexp.MustCompile(`^/?[A-Za-z0-9_.*?\[][A-Za-z0-9_./+:@=~*?\[\]-]*$`),
		"must be a path of letters, digits and _ . / + : @ = ~ -, in which * ? and [ ] are wildcards"}
	blankRule  = rule{regexp.MustCompile(`^[^\s\x00-\x1f\x7f]*$`), "must be free of white space and control characters"}
	sha256Rule = rule{regexp.MustCompile(`^[0-9a-f]{64}$`), "must be 64 hexadecimal digits in lower case"}
	commitRule = rule{regexp.MustCompile(`^[0-9a-f]{40}$`), "must be 40 hexadecimal digits in lower case"}
	imageRule  = rule{regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*$`),
		"must be an image's name without a tag"}
	tagRule    = rule{regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`), "must be letters, digits and _ . -, at most 128 characters"}
	folderRule = rule{regexp.MustCompile(`^/[^:\x00-\x1f]*$`), "must be an absolute path without a colon"}
	envRule    = rule{regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`), "must be letters, digits and _, not starting with a digit"}
)

// ruleOf is the rule for a field of a settings type. It goes by the kind of
// the type and of the field, so that a new tool's fields have one too.
func ruleOf(owner reflect.Type, f field) (rule, bool) {
	if r, ok := formRule(f.Form); ok {
		return r, true
	}
	switch {
	case owner == sourceType:
		return sourceRule(f.Key), true
	case owner == reflect.TypeFor[Image]() || owner == reflect.TypeFor[Target]():
		return ownRule(f.Key)
	case !reflect.PointerTo(owner).Implements(toolType):
		return rule{}, false
	case f.Type.Kind() == reflect.String:
		return wordRule, true
	case f.Type == reflect.TypeFor[[]stage.Pattern]():
		return patternRule, true
	case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.String:
		return entryRule, true
	}
	return rule{}, false
}

func sourceRule(key string) rule {
	switch key {
	case "sha256":
		return sha256Rule
	case "commit":
		return commitRule
	}
	return blankRule
}

// ownRule is for this package's own types.
func ownRule(key string) (rule, bool) {
	switch key {
	case "name":
		return imageRule, true
	case "version":
		return tagRule, true
	case "path", "workdir":
		return folderRule, true
	}
	return rule{}, false
}

// checkField checks a field against its rule. That it says something is another.
func (l *loader) checkField(owner reflect.Type, f field, v reflect.Value, n *node) {
	if r, ok := formRule(f.Keys); ok {
		for _, k := range n.names() {
			l.hold(r, "a key of "+f.Key, k, n.key(k))
		}
	}
	if r, ok := ruleOf(owner, f); ok {
		l.holdAll(r, f.Key, v, n)
	}
	if f.Form == "spdx" {
		l.checkLicence(v.String(), n.place())
	}
}

// holdAll checks each string of a value.
func (l *loader) holdAll(r rule, key string, v reflect.Value, n *node) {
	switch v.Kind() {
	case reflect.String:
		l.hold(r, key, v.String(), n.place())
	case reflect.Slice:
		for i := range v.Len() {
			l.hold(r, "an entry of "+key, v.Index(i).String(), n.element(i))
		}
	case reflect.Map:
		for _, k := range slices.Sorted(maps.Keys(n.tables(v))) {
			l.holdAll(r, key, v.MapIndex(reflect.ValueOf(k)), n.tables(v)[k])
		}
	}
}

// tables is where the entries of a map stand. A list that stands for a map is
// where its one entry is.
func (n *node) tables(v reflect.Value) map[string]*node {
	out := map[string]*node{}
	for _, k := range v.MapKeys() {
		out[k.String()] = n
		if s := n.sub(k.String()); s != nil {
			out[k.String()] = s
		}
	}
	return out
}

func (l *loader) hold(r rule, key, value string, at problem.Position) {
	if value != "" && !r.form.MatchString(value) {
		l.problems.add(at, fmt.Sprintf("%s %s, not %q", key, r.must, value))
	}
}

// checkName checks the name that the user gave a table against its rule.
func (l *loader) checkName(name string, n *node) {
	if nameRule.form.MatchString(name) {
		return
	}
	hint := ""
	if better := strings.ToLower(strings.NewReplacer(".", "-", " ", "-").Replace(name)); nameRule.form.MatchString(better) {
		hint = fmt.Sprintf("write %q", better)
	}
	l.problems.add(n.place(), fmt.Sprintf("a name %s, not %q", nameRule.must, name), hint)
}

// needs is the stages whose commands a tool calls at run time, where it tells.
func needs(t stage.Tool) []string {
	if n, ok := t.(stage.Dependent); ok {
		return n.Needs()
	}
	return nil
}
