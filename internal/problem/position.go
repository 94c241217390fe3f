package problem

import "fmt"

// Position is a place in the user's file. The zero value is no place.
type Position struct {
	File string
	Line int // from 1
	Col  int // from 1, in bytes
}

// String is "file:line:col", or the file alone where no line is known.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}
