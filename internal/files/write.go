// Package files changes files of this machine: whole or not at all, and folders
// to the state of an archive.
package files

import (
	"context"
	"errors"
)

// Write writes a file so that it is there whole or not at all. Missing folders
// are made. Everyone may read it.
func Write(path string, data []byte) error {
	c, err := ClaimFile(context.Background(), path, nil)
	if err != nil {
		return err
	}
	_, err = c.File().Write(data)
	if err == nil {
		err = c.File().Chmod(0o644)
	}
	if err == nil {
		err = c.Commit()
	}
	if err != nil {
		return errors.Join(err, c.Abandon())
	}
	return c.Release()
}
