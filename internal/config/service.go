package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/internal/problem"
)

var serviceType = reflect.TypeFor[osparc.Service]()

// decodeService reads the folder of an oSPARC service that a string names.
func (l *loader) decodeService(value any, into reflect.Value, n *node, key string) {
	name, ok := value.(string)
	if !ok {
		l.wrongType(value, into.Type(), n, key)
		return
	}
	dir := l.beside(name)
	metadata, err := l.readFound(filepath.Join(dir, osparc.MetadataFile))
	if err == nil && metadata.Text == nil {
		err = l.noMetadata(dir)
	}
	runtime, err1 := l.readFound(filepath.Join(dir, osparc.RuntimeFile))
	oci, err2 := l.readFound(filepath.Join(dir, osparc.OCIFile))
	if err := errors.Join(err, err1, err2); err != nil {
		l.problems.addError(n.place(), "", l.unread(key, name, "the path names a folder, relative to "+l.folder(), err))
		return
	}
	service, wrong := osparc.Parse(metadata, runtime, oci)
	l.problems.note(wrong...)
	into.Set(reflect.ValueOf(service))
}

// noMetadata is why a folder has no metadata: often it is not there itself.
func (l *loader) noMetadata(dir string) error {
	if _, err := fs.Stat(l.files, filepath.ToSlash(dir)); errors.Is(err, fs.ErrNotExist) {
		return &problem.Error{Message: "there is no such folder", Cause: err}
	}
	return &problem.Error{Message: "there is no " + osparc.MetadataFile + " in it", Cause: fs.ErrNotExist}
}

// readFound is a file that may be absent; then it has no text.
func (l *loader) readFound(path string) (osparc.File, error) {
	text, err := l.read(path, maxText)
	if errors.Is(err, fs.ErrNotExist) {
		return osparc.File{Path: path}, nil
	}
	if err != nil {
		return osparc.File{}, fmt.Errorf("%s: %w", filepath.Base(path), reason(err))
	}
	return osparc.File{Path: path, Text: append([]byte{}, text...)}, nil
}

// named gives a target that is a service the name under which the platform
// looks for it.
func (t Target) named() Target {
	if t.ImageName == "" {
		t.ImageName = t.Osparc.Key
	}
	return t
}

// checkService finds names and versions under which the platform would not
// find a service, or not the one that its labels tell of.
func (l *loader) checkService(f *File, t Target, n *node) {
	s := t.Osparc
	if s.Key == "" {
		return
	}
	if t.ImageName != s.Key && !strings.HasSuffix(t.ImageName, "/"+s.Key) {
		l.problems.add(n.key("name"), fmt.Sprintf("target %q: the platform looks for the service under %s, not %s", t.Name, s.Key, t.ImageName),
			fmt.Sprintf("leave name out, or end it with the key at %s", s.KeyAt))
	}
	if s.Version != "" && f.Image.Version != "" && s.Version != f.Image.Version {
		l.problems.add(s.VersionAt, fmt.Sprintf("version %s is not that of the image, %s", s.Version, f.Image.Version),
			fmt.Sprintf("state the same version here and at %s", l.root.sub("image").key("version")))
	}
}

// checkLabels holds the user's labels against what the platform reads.
func (l *loader) checkLabels(labels map[string]string, n *node) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if err := osparc.CheckLabel(k, labels[k]); err != nil {
			l.problems.addError(n.key(k), "", err)
		}
	}
}
