package llb

import (
	"io/fs"
	"path/filepath"
	"runtime"

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

// Caller is the line that called the function which calls Caller, skip frames
// further up. The text is taken from sources, a package's own files embedded
// under their base names; a file that is not among them has no location.
func Caller(sources fs.ReadFileFS, skip int) Location {
	_, file, line, _ := runtime.Caller(skip + 2)
	name := filepath.Base(file)
	text, err := sources.ReadFile(name)
	if err != nil {
		return Location{}
	}
	return Location{file: "stages/" + name, line: int32(line), text: text}
}

// String is "file:line".
func (l Location) String() string {
	return Position{File: l.file, Line: int(l.line), Col: 1}.String()
}

func (l Location) option() bk.ConstraintsOpt {
	if l.line == 0 {
		return bk.WithDescription(nil)
	}
	at := &pb.Position{Line: l.line}
	return bk.NewSourceMap(nil, l.file, "Go", l.text).Location([]*pb.Range{{Start: at, End: at}})
}
