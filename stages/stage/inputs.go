package stage

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// Make is the component that a tool makes on g, with inputs that say what they
// are: one that has no name of its own is the component itself, by its name,
// version and licence.
func Make(tool Tool, g Ground) (Stage, error) {
	s, err := tool.Stage(g)
	if err != nil {
		return Stage{}, err
	}
	var inputs []llb.Input
	for _, in := range s.Inputs {
		if in.Name == "" {
			in.Name, in.Version, in.Licence = s.Name, cmp.Or(in.Version, s.Common.Version), s.Licence.SPDX
		}
		inputs = append(inputs, in)
	}
	s.Inputs = inputs
	s.Questions = stating(tool, s.Common, s.Questions)
	return s, nil
}

// stating is the questions with what the user states of the version: a component
// that nothing is asked of stands in the manifest with it, and so does one whose
// tool answers another number.
func stating(tool Tool, c Common, asked []Question) []Question {
	if len(asked) == 0 && c.Version != "" {
		return []Question{{Key: keyOf(tool, c.Name), Section: Software, Tell: c.Version}}
	}
	out := slices.Clone(asked)
	for i, q := range out {
		if c.Answer != "" && q.Section == Software && q.Want == c.Version {
			out[i].Want, out[i].Tell = c.Answer, c.Version
		}
	}
	return out
}

// keyOf is the component's line in the version manifest.
func keyOf(tool Tool, name string) string {
	if g, ok := tool.(interface{ ManifestKey(name string) string }); ok {
		return g.ManifestKey(name)
	}
	return (&Generic{}).ManifestKey(name)
}

// Sources is the sources that a tool's settings state, as inputs, for one that
// cannot be made: what the distribution's mirror serves has an address that
// begins with "debian:". No tool says which it has; its settings type does.
func Sources(tool Tool) []llb.Input {
	c := tool.Shared()
	var out []llb.Input
	for _, s := range settings[Source](reflect.ValueOf(tool)) {
		if !s.Empty() {
			in := s.stated()
			in.Name, in.Version = c.Name, c.Version
			out = append(out, in)
		}
	}
	return out
}

// Files is the user's files that a tool's settings name, as inputs. They are
// pinned by what is in them.
func Files(tool Tool) []llb.Input {
	var out []llb.Input
	for _, f := range settings[File](reflect.ValueOf(tool)) {
		if f.Path != "" {
			out = append(out, llb.Input{Name: path.Base(f.Path), Kind: llb.Own, Address: f.Path,
				Pin: fmt.Sprintf("sha256:%x", sha256.Sum256(f.Content)), At: f.At})
		}
	}
	return out
}

// stated is the source as it is written, whatever is wrong with it.
func (s Source) stated() llb.Input {
	in := llb.Input{Kind: llb.Archive, Address: s.URL, At: s.At}
	switch {
	case s.Git != "":
		in.Kind, in.Address, in.Pin = llb.Git, s.Git, s.Commit
	case s.Image != "":
		in.Kind, in.Address = llb.Files, s.Image
		_, in.Pin, _ = strings.Cut(s.Image, "@")
	case s.Debian != "":
		in.Address = "debian:" + s.Debian
	}
	if in.Kind == llb.Archive && s.SHA256 != "" {
		in.Pin = "sha256:" + s.SHA256
	}
	return in
}

// settings is the values of type T in a tool's settings, in their order, those
// of the tables in it included.
func settings[T any](v reflect.Value) []T {
	v = reflect.Indirect(v)
	if !v.IsValid() || !v.CanInterface() {
		return nil
	}
	if t, ok := v.Interface().(T); ok {
		return []T{t}
	}
	var out []T
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			out = append(out, settings[T](v.Field(i))...)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			out = append(out, settings[T](v.Index(i))...)
		}
	}
	return out
}
