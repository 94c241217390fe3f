package output

import (
	"errors"
	"os"
)

// shareFolder fails: Windows locks no folders.
func shareFolder(*os.File) error { return errors.ErrUnsupported }

// ownFolder is false: without a lock nobody can know, and nothing is removed.
func ownFolder(*os.File) bool { return false }
