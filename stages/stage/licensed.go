package stage

import (
	_ "embed"
	"regexp"
)

// LicensedScript names the files that look like a FreeSurfer licence.
//
//go:embed scripts/licensed.sh
var LicensedScript string

// LicenceSize is how much of a file is looked at, in bytes.
const LicenceSize = 64 << 10

// FreeSurferLicence is how a licence begins, as the script knows it: an address,
// a number, and an asterisk before the third line.
var FreeSurferLicence = regexp.MustCompile(`\A[^ @\n]+@[^ @\n]+[.][^ @\n]+[ \t\r]*\n[0-9]+[ \t\r]*\n ?[*]`)
