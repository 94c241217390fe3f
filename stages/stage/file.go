package stage

import (
	"github.com/medbuild/medbuild/internal/encoding"
	"github.com/medbuild/medbuild/internal/problem"
)

// File is a file of the user's, named in components.toml relative to it.
type File struct {
	At      problem.Position
	Path    string
	Content []byte
}

// maxText is the largest list that is read, in bytes: a hundred times that of a
// real one.
const maxText = 2 << 20

// text is the file as text.
func (f File) text() (string, error) {
	if len(f.Content) > maxText {
		return "", problem.Refusedf("%s is larger than %d MiB", f.Path, maxText>>20)
	}
	text, err := encoding.UTF8(f.Path, f.Content)
	if err != nil {
		return "", err
	}
	return string(text), nil
}
