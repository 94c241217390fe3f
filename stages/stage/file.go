package stage

import (
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// File is a file of the user's, named in components.toml relative to it.
type File struct {
	At      problem.Position
	Path    string
	Content []byte
}

// lineOf is the place of a text in the file.
func (f File) lineOf(text string) problem.Position {
	before, _, _ := strings.Cut(string(f.Content), text)
	return problem.Position{File: f.Path, Line: strings.Count(before, "\n") + 1, Col: 1}
}
