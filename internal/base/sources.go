package base

import (
	"embed"

	"github.com/medbuild/medbuild/llb"
)

// The patterns take in this package's files without its tests.
//
//go:embed *[^t].go *[^s]t.go
var source embed.FS

// here is the line that called it, for a step's source map.
func here() llb.Location { return llb.Sources{Folder: "internal/base", Files: source}.Caller() }
