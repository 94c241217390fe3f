package stage

import (
	_ "embed"
	"strings"
)

// AskScript fails when a tool does not answer, or answers another version than
// the one asked for: what the manifest says was never taken on trust. A pattern
// is put between line ends, so that what stands beside it on the line goes. It
// fails as well when the component brings a licence of FreeSurfer's, which names
// the person who registered, whatever stage the component is made by.
//
//go:embed scripts/ask.sh
var AskScript string

// File is the name of the file that holds the answers of a section.
func (s Section) File() string {
	return strings.ToLower(strings.ReplaceAll(string(s), " ", "-"))
}
