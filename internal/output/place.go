package output

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

// CheckPlaces refuses outputs that could not be written in the end, and two that
// would be in each other's way, before anything is built. others are further files
// that the build writes.
func CheckPlaces(outputs []Output, others ...File) error {
	var seen []Output
	for _, o := range outputs {
		if !o.onDisk() {
			continue
		}
		if err := o.checkPlace(); err != nil {
			return err
		}
		for _, s := range seen {
			if err := apart(s, o); err != nil {
				return err
			}
		}
		seen = append(seen, o)
	}
	for _, f := range others {
		if f.Path == "" {
			continue
		}
		if err := f.check(seen); err != nil {
			return err
		}
		seen = append(seen, Output{Dest: f.Path})
	}
	return nil
}

// File is a file that the build writes beside the outputs, and the option that
// names it.
type File struct{ Option, Path string }

func (f File) check(outputs []Output) error {
	for _, o := range outputs {
		if absolute(o.Dest) == absolute(f.Path) {
			return problem.Usagef("%s: %s is written by another option too", f.Option, f.Path).Hint("give each a file of its own")
		}
	}
	return checkFile(f.Option, f.Path)
}

// Place is the path that the output is written to, "" for what is no file or
// folder of this machine.
func (o Output) Place() string {
	if !o.onDisk() {
		return ""
	}
	return absolute(o.Dest)
}

// onDisk reports whether the output is a file or folder of this machine.
func (o Output) onDisk() bool { return o.Dest != "" && o.Dest != "-" }

func (o Output) checkPlace() error {
	if o.Dir {
		return checkFolder("--output", o.Dest)
	}
	return checkFile("--output", o.Dest)
}

// apart refuses two outputs at one place, or one in the other's folder.
func apart(a, b Output) error {
	x, y := absolute(a.Dest), absolute(b.Dest)
	switch {
	case x == y:
		return problem.Usagef("--output: two outputs are written to %s", b.Dest).Hint("give each a dest of its own")
	case a.Dir && within(x, y), b.Dir && within(y, x):
		return problem.Usagef("--output: %s and %s: one is inside the other", a.Dest, b.Dest).Hint("give each a dest of its own")
	}
	return nil
}

func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	return abs
}

func within(dir, path string) bool { return strings.HasPrefix(path, dir+string(filepath.Separator)) }

func checkFile(option, path string) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		return problem.Failedf("%s: %s is a folder, not a file", option, path).Hint("name a file, as in %s", filepath.Join(path, "image.tar"))
	case err == nil && !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink:
		return problem.Failedf("%s: %s is not a regular file", option, path).Hint("name a file; dest=- of type tar, oci and docker is standard output")
	}
	return checkAbove(option, path)
}

func checkFolder(option, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkAbove(option, path)
	case err == nil && info.Mode().Type() == fs.ModeSymlink:
		return problem.Failedf("%s: %s is a symbolic link, which is not followed", option, path).Hint("name the folder that it leads to")
	case err == nil && !info.IsDir():
		return problem.Failedf("%s: %s is a file, not a folder", option, path).Hint("name a folder, or remove the file")
	case err != nil:
		return checkAbove(option, path)
	}
	return checkWritable(option, path, path)
}

// checkAbove refuses a place whose folder cannot be written, or made.
func checkAbove(option, path string) error {
	for dir := filepath.Dir(absolute(path)); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			continue
		case err == nil && info.IsDir():
			return checkWritable(option, path, dir)
		case err == nil || files.BelowFile(err):
			return problem.Failedf("%s: %s is below a file", option, path).Hint("choose a folder")
		}
		return problem.Failedf("%s: %s: %w", option, path, err).Hint("choose a folder that you can write to")
	}
}

func checkWritable(option, path, dir string) error {
	if err := files.Writable(dir); err != nil {
		return problem.Failedf("%s: %s cannot be written: %w", option, path, err).Hint("choose a folder that you can write to")
	}
	return nil
}

// layout reports whether the output is an OCI layout folder.
func (o Output) layout() bool { return o.Dir && o.Type != client.ExporterLocal }
