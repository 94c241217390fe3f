package config

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"

	"github.com/medbuild/medbuild/stages/stage"
)

// check finds what is wrong between the tables of a file.
func (l *loader) check(f *File) {
	l.checkImage()
	l.checkLabels(f.Image.Labels, l.root.sub("image").sub("labels"))
	for _, b := range f.Bases {
		l.problems.within(BasePart(b.Name), func() { l.checkBase(b, l.root.sub("bases").sub(b.Name)) })
	}
	declared := l.root.sub("components")
	for name := range l.keys(declared) {
		l.problems.within(ComponentPart(name), func() { l.checkVersion(f, name, declared.sub(name)) })
	}
	for _, c := range f.Components {
		name := c.Shared().Name
		l.problems.within(ComponentPart(name), func() { l.checkPrefix(c.Shared(), declared.sub(name)) })
	}
	for _, t := range f.Targets {
		if l.problems.full() {
			return
		}
		l.problems.within(TargetPart(t.Name), func() { l.checkOne(f, t) })
	}
}

// checkOne finds what is wrong with a target.
func (l *loader) checkOne(f *File, t Target) {
	n := l.root.sub("targets").sub(t.Name)
	l.checkTarget(t, n)
	l.checkService(f, t, n)
	l.checkLabels(t.Labels, n.sub("labels"))
	l.checkMembers(f, t, n.sub("components"))
	l.checkNeeds(f, t, n.sub("components"))
	l.checkModules(f, t, n.sub("components"))
	l.checkPrograms(f, t, n.sub("components"))
}

// checkImage wants what the image's reference and the manifest are made of.
func (l *loader) checkImage() {
	image := l.root.sub("image")
	for _, key := range []string{"name", "version"} {
		if l.absent("image", key) && !misspelt(image, key, reflect.TypeFor[Image]()) {
			l.problems.add(image.key(key), "the image has no "+key, "add "+key+" = \"…\" to [image]")
		}
	}
}

func (l *loader) checkVersion(f *File, name string, n *node) {
	settings := reflect.TypeFor[stage.Common]()
	if c, ok := f.Component(name); ok {
		if c.Shared().Version != "" {
			return
		}
		settings = reflect.TypeOf(c).Elem()
	}
	if !l.absent("components", name, "version") || misspelt(n, "version", settings) {
		return
	}
	l.problems.add(n.key("version"), fmt.Sprintf("component %q has no version", name), "add version = \"…\"")
}

// absent reports whether a key of a table is left out. A value that is empty or
// of another type is not absent: it is a problem of its own.
func (l *loader) absent(path ...string) bool {
	var v any = l.values
	for _, k := range path {
		table, ok := v.(map[string]any)
		if !ok {
			return false
		}
		v = table[k]
	}
	return v == nil
}

// misspelt reports whether an unknown key of the table looks like the one that
// is missing: then one problem is enough.
func misspelt(n *node, key string, t reflect.Type) bool {
	keys := keysOf(t)
	for _, k := range few(n.names()) {
		if meant, _ := closest(k, keys); meant == key && k != key {
			return true
		}
	}
	return false
}

// maxPrefix is the longest prefix, in bytes.
const maxPrefix = 1024

func (l *loader) checkPrefix(c *stage.Common, n *node) {
	prefix, at := c.Prefix, n.key("prefix")
	switch {
	case prefix == "":
	case len(prefix) > maxPrefix:
		l.problems.add(at, fmt.Sprintf("prefix is longer than %d bytes", maxPrefix))
	case !path.IsAbs(prefix):
		l.problems.add(at, fmt.Sprintf("prefix %q is not absolute", prefix), "write \"/opt/"+path.Base(prefix)+"\"")
	case path.Clean(prefix) != prefix:
		l.problems.add(at, fmt.Sprintf("prefix %q is not a clean path", prefix), "write \""+path.Clean(prefix)+"\"")
	case prefix == "/":
		l.problems.add(at, "prefix \"/\" would hide the whole base", "write \"/opt/"+c.Name+"\"")
	}
}

func (l *loader) checkTarget(t Target, n *node) {
	bases := l.root.sub("bases")
	switch {
	case l.absent("targets", t.Name, "base") && !misspelt(n, "base", reflect.TypeOf(t)):
		l.problems.add(n.key("base"), fmt.Sprintf("target %q has no base", t.Name), "add base = \"…\", a name of the bases table")
	case t.Base != "" && bases.sub(t.Base) == nil:
		l.problems.add(n.key("base"), fmt.Sprintf("target %q: there is no base %q", t.Name, t.Base), hintFor(t.Base, bases.names(), "the bases are "))
	}
	if l.root.sub("components").sub(t.Name) != nil {
		l.problems.add(n.place(), fmt.Sprintf("a target and a component are both named %q", t.Name), "--target takes the names of both: rename one of them")
	}
	l.checkEnv(t, n.sub("env"))
}

func (l *loader) checkEnv(t Target, n *node) {
	for _, k := range slices.Sorted(maps.Keys(t.Env)) {
		switch {
		case k == "PATH":
			l.problems.add(n.key(k), "PATH cannot be replaced, only extended", "list the folders to put in front of it as path = [\"…\"]")
		case !envRule.form.MatchString(k):
			l.problems.add(n.key(k), fmt.Sprintf("the name of a variable %s, not %q", envRule.must, k))
		}
	}
}

// checkMembers finds components that do not exist, are named twice or whose
// prefixes are in each other's way.
func (l *loader) checkMembers(f *File, t Target, n *node) {
	declared := l.root.sub("components")
	seen := map[string]bool{}
	var before stage.Prefixes
	for i, name := range t.Components {
		if l.problems.full() {
			return
		}
		c, ok := f.Component(name)
		switch {
		case declared.sub(name) == nil:
			l.problems.add(n.element(i), fmt.Sprintf("target %q: there is no component %q", t.Name, name), hintFor(name, declared.names(), "the components are "))
		case seen[name]:
			l.problems.add(n.element(i), fmt.Sprintf("target %q names component %q twice", t.Name, name))
		case ok:
			if err := before.Add(*c.Shared()); err != nil {
				l.problems.addError(n.element(i), "", fmt.Errorf("target %q: %w", t.Name, err))
			}
		}
		seen[name] = true
	}
}

// checkNeeds finds components that call commands of a stage which the target
// does not have.
func (l *loader) checkNeeds(f *File, t Target, n *node) {
	if l.problems.full() {
		return
	}
	has := l.stagesOf(f, t)
	for i, name := range t.Components {
		c, ok := f.Component(name)
		if !ok {
			continue
		}
		for _, need := range needs(c) {
			if !has[need] {
				l.problems.add(n.element(i), fmt.Sprintf("target %q: %s calls commands of %s, which the target lacks", t.Name, name, need),
					lacking(f, need))
			}
		}
	}
}

func lacking(f *File, stage string) string {
	for _, c := range f.Components {
		if c.Shared().Stage == stage {
			return fmt.Sprintf("add %q to its components", c.Shared().Name)
		}
	}
	return fmt.Sprintf("add a component of stage %q", stage)
}

// stagesOf is the stages that a target has. Where a name is misspelt, which is
// a problem of its own, what it means counts.
func (l *loader) stagesOf(f *File, t Target) map[string]bool {
	declared := l.root.sub("components")
	has := map[string]bool{}
	for _, name := range t.Components {
		c, ok := f.Component(name)
		if !ok && declared.sub(name) == nil {
			meant, _ := closest(name, declared.names())
			c, ok = f.Component(meant)
		}
		if ok {
			has[c.Shared().Stage] = true
		}
	}
	return has
}
