// Package files changes files of this machine: whole or not at all, and folders
// to the state of an archive.
package files

import (
	"errors"
	"os"
	"path/filepath"
)

// Write writes to a temporary name and renames, so that the file is there
// whole or not at all. Missing folders are made. Everyone may read it.
func Write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		return err
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
