package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// rooted is this machine's files below some folders, wherever links lead: a
// components.toml can come from somebody else, and what it names goes into an
// image that others get.
type rooted struct {
	roots []string // absolute and without links, the repository first
}

// outsideError says that a file lies below none of the folders.
type outsideError struct{ file, root string }

// Error is the message.
func (e outsideError) Error() string {
	return fmt.Sprintf("is outside %s", e.root)
}

const outsideHint = "put it below that folder, or allow its own with --allow-files DIR, or with files.allow in the site file"

// newRooted is the files that the components.toml at path may name: those of the
// repository that holds it, and those below the allowed folders.
func newRooted(path string, allowed []string) (rooted, error) {
	dir, err := withoutLinks(filepath.Dir(path))
	if err != nil {
		return rooted{}, err
	}
	r := rooted{roots: []string{repository(dir)}}
	for _, a := range allowed {
		root, err := withoutLinks(a)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // nothing lies in what is not there
			return rooted{}, err
		}
		if err == nil {
			r.roots = append(r.roots, root)
		}
	}
	return r, nil
}

// withoutLinks is the absolute path of a folder that is there.
func withoutLinks(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// repository is the nearest folder above dir, or dir itself, that has .git: a
// folder, or a file in work trees and submodules. Without any it is dir.
func repository(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// Open opens a file. What a link is changed to meanwhile leads nowhere else.
func (r rooted) Open(name string) (fs.File, error) {
	root, rel, err := r.below(name)
	if err != nil {
		return nil, err
	}
	return os.OpenInRoot(root, rel)
}

// Stat describes a file without opening it: opening a pipe waits for a writer.
func (r rooted) Stat(name string) (fs.FileInfo, error) {
	root, rel, err := r.below(name)
	if err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Stat(rel)
}

// below is the folder that a file lies in, wherever links lead, and its path
// from there. What does not exist lies where it would be made.
func (r rooted) below(name string) (root, rel string, err error) {
	file, err := filepath.Abs(filepath.FromSlash(name))
	if err != nil {
		return "", "", err
	}
	if file, err = resolved(file); err != nil {
		return "", "", err
	}
	for _, root := range r.roots {
		if rel, err := filepath.Rel(root, file); err == nil && filepath.IsLocal(rel) {
			return root, rel, nil
		}
	}
	return "", "", outsideError{file, r.roots[0]}
}

// resolved is an absolute path without links, as far as it exists.
func resolved(file string) (string, error) {
	whole, err := filepath.EvalSymlinks(file)
	if !errors.Is(err, fs.ErrNotExist) || file == filepath.Dir(file) {
		return whole, err
	}
	if _, lstat := os.Lstat(file); lstat == nil {
		return "", err // a link to nowhere
	}
	dir, err := resolved(filepath.Dir(file))
	return filepath.Join(dir, filepath.Base(file)), err
}

// checkBase refuses a base's file where other files would be refused. It is read
// later, and need not exist.
func (l *loader) checkBase(b stage.BaseSettings, n *node) {
	files, ok := l.files.(rooted)
	if !ok {
		return
	}
	for key, name := range map[string]string{"tar": b.Tar, "oci": b.OCI} {
		if name == "" {
			continue
		}
		if _, _, err := files.below(l.beside(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.problems.addError(n.sub(key).place(), "", l.unread(key, name, "", reason(err)))
		}
	}
}

// unread is why a file that the user's names cannot be read. Usual is the hint
// where the file may be read.
func (l *loader) unread(key, name, usual string, err error) error {
	if errors.As(err, new(outsideError)) {
		usual = outsideHint
	}
	wrapped := problem.Wrapf("%s %q: %w", key, name, err)
	if usual == "" {
		return wrapped
	}
	return wrapped.Hint("%s", usual)
}
