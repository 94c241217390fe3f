package stage

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"regexp"

	"github.com/medbuild/medbuild/llb"
)

// The licence file of FreeSurfer names the person who registered: an address, a
// number and a key that begins with an asterisk and is a hash of 13 characters,
// each on a line. It is found by that wherever it stands, with what programs and
// settings put around lines: quotes, comment signs, a break written \n. In one
// line, where a list of people looks similar, the key has its form exactly.
const (
	licenceBreak   = `([^[:print:]]|\\[nr])`
	licenceFiller  = `([^[:alnum:]*]|\\[nrt])*`
	licenceAddress = `[^[:space:]@]@[[:alnum:].-]+[.][[:alpha:]]+`
	licenceLines   = licenceFiller + licenceBreak + licenceFiller

	licencePattern = licenceAddress + `(` + licenceLines + `[[:digit:]]+` + licenceLines + `[*][[:alnum:]./]{8}` +
		`|` + licenceFiller + `[^[:alnum:]]` + `[[:digit:]]+` + licenceFiller + `[*]C[[:alnum:]./]{11}([^[:alnum:]./]|$))`
)

//go:embed scripts/licensed.sh
var licensedScript string

// LicensedScript has the function licensed, which names the files that hold a
// FreeSurfer licence.
var LicensedScript = llb.Fill(licensedScript, llb.Values{"PATTERN": licencePattern}, nil)

var licence = regexp.MustCompile(licencePattern)

// How much is looked at, in bytes: of a file, and of what is compressed in it.
const (
	licenceSize = 64 << 10
	maxLicensed = 1 << 20
)

// HoldsLicence reports whether a file's content has a FreeSurfer licence in it,
// plain or compressed with gzip, as LicensedScript has it. Of a large file it is
// the beginning that is looked at.
func HoldsLicence(content []byte) bool {
	content = content[:min(len(content), licenceSize)]
	if licence.Match(content) {
		return true
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return false
	}
	plain, _ := io.ReadAll(io.LimitReader(z, maxLicensed)) // what comes before an error counts
	return licence.Match(plain)
}
