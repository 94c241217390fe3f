package testkit

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

// Licence has the form of a FreeSurfer licence, and is none.
const Licence = "someone@example.org\n12345\n *C1a2B3c4D5e6\n FS1a2B3c4D5e6\n"

// Disguise is a file, below some folder, that holds a licence or looks as if.
type Disguise struct {
	Name, Content string
}

// Gzipped is a text as gzip packs it.
func Gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Disguises are a licence as somebody could have it among other files: under other
// names, with other line ends, with other lines around it, packed.
func Disguises(t testing.TB) []Disguise {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(Licence, "\n"), "\n")
	escaped := strings.Join(lines, `\n`)
	return []Disguise{
		{"license.txt", Licence},
		{".license", Licence},
		{"LICENCE.TXT", Licence},
		{"notes.dat", Licence},
		{"a file\twith 'signs'", Licence},
		{`back\nslash.gz`, Gzipped(t, Licence)},
		{"deep/down/x", Licence},
		{"dos.txt", strings.ReplaceAll(Licence, "\n", "\r\n")},
		{"mac.txt", strings.ReplaceAll(Licence, "\n", "\r")},
		{"bom.txt", "\xef\xbb\xbf" + Licence},
		{"blank-lines.txt", "\n\n" + strings.ReplaceAll(Licence, "\n", "\n\n")},
		{"indented.txt", "  " + strings.ReplaceAll(Licence, "\n", "\n\t ")},
		{"trailing.txt", strings.ReplaceAll(Licence, "\n", "  \t\n")},
		{"no-end.txt", strings.TrimSuffix(Licence, "\n")},
		{"three-lines.txt", strings.Join(lines[:3], "\n")},
		{"headed.txt", "# the licence of our group\n" + Licence},
		{"commented.sh", "# " + strings.Join(lines, "\n# ")},
		{"here.sh", "#!/bin/sh\ncat >license.txt <<END\n" + Licence + "END\n"},
		{"variable.sh", `export FS_LICENSE_CONTENT="` + escaped + `"`},
		{"settings.json", `{"licence": "` + escaped + `"}`},
		{"list.yml", "licence:\n- someone@example.org\n- 12345\n- \"*C1a2B3c4D5e6\"\n"},
		{"python.py", "L = ['someone@example.org',\n     '12345',\n     ' *C1a2B3c4D5e6']\n"},
		{"one-line.csv", "someone@example.org,12345,*C1a2B3c4D5e6,FS1a2B3c4D5e6\n"},
		{"quoted.sh", "printf '%s\\n' 'someone@example.org' '12345' ' *C1a2B3c4D5e6'\n"},
		{"within.txt", strings.Repeat("much else, me@example.org\n", 1000) + Licence + strings.Repeat("and more\n", 1000)},
		{"license.txt.gz", Gzipped(t, Licence)},
		{"page.1", Gzipped(t, strings.Repeat("a page\n", 5000)+Licence)},
		{"binary", "\x7fELF\x00\x01\x02" + Licence + "\x00\xff"},
	}
}
