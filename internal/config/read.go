package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/problem"
)

// disk is the operating system's files, by any path that it takes, for those
// that belong to the machine.
type disk struct{}

// Open opens a file.
func (disk) Open(name string) (fs.File, error) { return os.Open(name) }

// Stat describes a file without opening it: opening a pipe waits for a writer.
func (disk) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// inside is a file system of which names that lead out of it are invalid, not
// absent.
type inside struct{ fs.FS }

// Open opens a file.
func (in inside) Open(name string) (fs.File, error) {
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return in.FS.Open(name)
}

// Stat describes a file.
func (in inside) Stat(name string) (fs.FileInfo, error) {
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	return fs.Stat(in.FS, name)
}

// read is the content of a file, of at most limit bytes. Folders, devices and
// pipes are refused: some of them never end.
func read(files fs.FS, name string, limit int) ([]byte, error) {
	name = filepath.ToSlash(name) // as file systems of the program have it; Windows takes both
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	if info.Size() > int64(limit) {
		return nil, overLimit(limit)
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readUpTo(f, limit, int(info.Size()))
}

// read is the content of a file that the user's file names. All of them together
// are bounded as well: a file may be named ten thousand times.
func (l *loader) read(name string, limit int) ([]byte, error) {
	content, err := read(l.files, name, limit)
	if l.named += len(content); l.named > maxNamed {
		return nil, fmt.Errorf("makes all files together larger than %d MiB", maxNamed>>20)
	}
	return content, err
}

// readUpTo is what a reader has, of at most limit bytes; it is expected to have
// that many.
func readUpTo(r io.Reader, limit, expected int) ([]byte, error) {
	var text bytes.Buffer
	text.Grow(expected + bytes.MinRead)
	_, err := text.ReadFrom(io.LimitReader(r, int64(limit)+1))
	if err == nil && text.Len() > limit {
		return nil, overLimit(limit)
	}
	return text.Bytes(), err
}

func overLimit(limit int) error { return fmt.Errorf("is larger than %d MiB", limit>>20) }

func unreadable(name string, err error) error {
	e := located(problem.Position{File: name}, reason(err))
	if errors.As(err, new(outsideError)) {
		return e.Hint(outsideHint)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return e.Hint("medbuild init writes one to start from; -f names another")
	}
	return e
}

// reason is an error of the file system without the path, which the place or
// the message names.
func reason(err error) error {
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &problem.Error{Message: "there is no such file", Cause: err}
	case errors.Is(err, fs.ErrInvalid):
		return &problem.Error{Message: "lies outside the folder that is read", Cause: err}
	case errors.As(err, &at):
		return at.Err
	}
	return err
}
