package build

import (
	"errors"
	"os"
)

// shareFolder fails: Windows locks no folders.
func shareFolder(*os.File) error { return errors.ErrUnsupported }

// ownFolder is false: without a lock nobody can know, and nothing is removed.
func ownFolder(*os.File) bool { return false }

// fullFolder is false: on Windows errors must say it themselves.
func fullFolder(string) bool { return false }
