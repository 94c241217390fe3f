// Package osparc turns the files in which an oSPARC service describes itself
// into the labels by which the platform knows it. They are the labels that the
// platform's own tool (ooil) makes of the same files: what it refuses is
// refused here, before anything is built. The package reads no files.
package osparc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// The files of a service's folder.
const (
	MetadataFile = "metadata.yml"
	RuntimeFile  = "runtime.yml"                  // may be absent
	OCIFile      = "org.opencontainers.image.yml" // may be absent
)

const metadataPrefix = "io.simcore."

// File is a file of the service's folder. A file without text is absent.
type File struct {
	Path string // as messages name it
	Text []byte
}

// Service is what the platform knows of a service.
type Service struct {
	Key       string            // "simcore/services/dynamic/NAME": the image's name
	KeyAt     problem.Position  // where the key stands
	Version   string            // the image's tag
	VersionAt problem.Position  // where the version stands
	Labels    map[string]string // of the image's configuration
	Open      []*problem.Error  // what its owner has not filled in
}

// Parse makes the labels of a service, and lists what is wrong with its files.
// The labels are complete when nothing is.
func Parse(metadata, runtime, oci File) (Service, []*problem.Error) {
	r := &reader{}
	s := Service{Labels: map[string]string{}}
	about := r.parse(metadata, metadataShape())
	r.coherent(about)
	r.label(s.Labels, metadataPrefix, about, wrapped)
	r.label(s.Labels, "org.opencontainers.image.", r.parse(oci, anything), plain)
	r.label(s.Labels, "simcore.service.", r.parse(runtime, runtimeShape()), plain)
	s.Key, s.KeyAt = about.get("key").text()
	s.Version, s.VersionAt = about.get("version").text()
	s.Open = r.open
	return s, r.problems
}

// parse is the table in a file, in the form that the rule gives it.
func (r *reader) parse(f File, shape rule) table {
	v, ok := r.tree(f)
	if !ok {
		return nil
	}
	if _, ok := v.data.(table); !ok {
		r.wrong(v, "a mapping of keys to values")
		return nil
	}
	t, _ := shape(r, v).data.(table)
	return t
}

// wrapped is a value as an object with one key, plain is a value without it.
func wrapped(e entry) string { return encode(table{e}) }

func plain(e entry) string {
	if s, ok := e.value.data.(string); ok {
		return s // not in quotes
	}
	return encode(e.value.data)
}

// label makes a label of every key of a table.
func (r *reader) label(to map[string]string, prefix string, t table, write func(entry) string) {
	for _, e := range t {
		text, err := interpolate(write(e))
		if err != nil {
			r.addError(e.at, fmt.Errorf("%s: %w", e.key, err))
			continue
		}
		to[prefix+e.key] = text
	}
}

// CheckLabel refuses a label under which the platform would not find the
// service: it leaves out an image with one io.simcore label that is no JSON
// object.
func CheckLabel(key, text string) error {
	object := map[string]any{}
	if strings.HasPrefix(key, metadataPrefix) && json.Unmarshal([]byte(text), &object) != nil {
		return problem.Refusedf("label %s must be a JSON object, not %q: the platform hides images with any other value", key, shorten(text))
	}
	return nil
}

// interpolate does what docker compose does to the labels of a compose file,
// where the platform's tool puts them: a doubled dollar becomes one. The tool
// itself doubles that of $ref. Any other dollar would bring in the environment
// of whoever publishes.
func interpolate(s string) (string, error) {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		out.WriteString(before)
		switch {
		case !found:
			return out.String(), nil
		case strings.HasPrefix(after, "$"):
			after = after[1:]
		case !strings.HasPrefix(after, "ref"):
			return "", problem.Refusedf("docker compose reads the dollar sign in %q as a variable", shorten("$"+after)).Hint("write $$ for a dollar sign")
		}
		out.WriteString("$")
		s = after
	}
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:30]) + "…"
	}
	return s
}

// coherent finds what is wrong between the keys of metadata.yml.
func (r *reader) coherent(t table) {
	kind, _ := t.get("type").text()
	key, at := t.get("key").text()
	folder := map[string]string{"computational": "comp", "dynamic": "dynamic", "frontend": "frontend"}[kind]
	if folder != "" && key != "" && !strings.HasPrefix(key, "simcore/services/"+folder+"/") {
		r.add(at, fmt.Sprintf("key %q is not that of a %s service", key, kind), "its key starts with simcore/services/"+folder+"/")
	}
	contact, at := t.get("contact").text()
	authors, ok := t.get("authors").value.data.([]value)
	if ok && contact != "" && !slices.ContainsFunc(authors, func(a value) bool { return emailOf(a) == contact }) {
		r.add(at, fmt.Sprintf("contact %s is not the email address of an author", contact), "the platform grants access by it: add an author with this address")
	}
}

func emailOf(author value) string {
	t, _ := author.data.(table)
	email, _ := t.get("email").text()
	return email
}
