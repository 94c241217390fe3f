package llb

import (
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/medbuild/medbuild/internal/problem"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// Location is the line of Go source that made a step. BuildKit keeps it beside
// the definition, not in it: it changes no cache key, and errors, progress and
// provenance can point at the line. The zero value is no location.
type Location struct {
	file string
	line int32
	text []byte
}

// Sources is a package's own files, for locations in them.
type Sources struct {
	Folder string        // of the package in the repository, for the names of files
	Files  fs.ReadFileFS // embedded under their base names
}

// Caller is the line that called the function which calls Caller. A file that
// is not among the sources has no location.
func (s Sources) Caller() Location {
	_, file, line, _ := runtime.Caller(2)
	name := filepath.Base(file)
	text, err := s.Files.ReadFile(name)
	if err != nil {
		return Location{}
	}
	return Location{file: s.Folder + "/" + name, line: int32(line), text: text}
}

// String is "file:line".
func (l Location) String() string {
	return problem.Position{File: l.file, Line: int(l.line), Col: 1}.String()
}

func (l Location) option() bk.ConstraintsOpt {
	if l.line == 0 {
		return bk.WithDescription(nil)
	}
	at := &pb.Position{Line: l.line}
	return bk.NewSourceMap(nil, l.file, "Go", l.text).Location([]*pb.Range{{Start: at, End: at}})
}
