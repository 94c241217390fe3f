package stage

import (
	"regexp"
	"strings"
)

// ownerForm is a user and a group as numbers.
var OwnerForm = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

// quote is s as one word of the shell.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
