package output

import (
	"strings"

	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

// Full is the error of an export whose disk is full, nil when it is not. path is
// what the engine said it could not write, "" for nothing: of folders that it
// sends files to it says nothing.
func Full(entries []client.ExportEntry, path string, cause error) error {
	for _, e := range entries {
		if files.Full(e.OutputDir) {
			path = e.OutputDir
			break
		}
	}
	if path == "" {
		return nil
	}
	full := problem.Failedf("write %s: no space left on device", strings.TrimSuffix(path, partialSuffix)).
		Hint("free some space, or write to another disk")
	full.Cause = cause
	return full
}
