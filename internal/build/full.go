package build

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/internal/output"

	"github.com/moby/buildkit/client"
)

// outputFullError is a full disk of an output, not of the engine.
type outputFullError struct{ path string }

// Error names the output.
func (e outputFullError) Error() string {
	return fmt.Sprintf("write %s: no space left on device\nhint: free some, or write to another disk", e.path)
}

var fullPath = regexp.MustCompile(`write (\S+): no space left on device`)

// outputFull is the error of an export whose disk is full, and any other error
// as it is. Of folders that the engine sends files to the error says nothing.
func (b *Builder) outputFull(err error, outputs []client.ExportEntry) error {
	if err == nil || len(failedSteps(err)) > 0 {
		return err
	}
	for _, o := range outputs {
		if files.Full(o.OutputDir) {
			return outputFullError{strings.TrimSuffix(o.OutputDir, output.PartialSuffix)}
		}
	}
	m := fullPath.FindStringSubmatch(err.Error())
	if m == nil || b.Root != "" && strings.HasPrefix(m[1], b.Root+"/") || strings.Contains(m[1], "/snapshots/") {
		return err
	}
	return outputFullError{strings.TrimSuffix(m[1], output.PartialSuffix)}
}
