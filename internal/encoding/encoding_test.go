package encoding

import (
	"testing"
	"unicode/utf8"

	"github.com/medbuild/medbuild/internal/problem"
)

func TestUTF8(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		"name = \"é\"":             "name = \"é\"",
		"\xef\xbb\xbfname":         "name",
		"\xef\xbb\xbf\xef\xbb\xbf": "\ufeff",
	} {
		got, err := UTF8("a", []byte(text))
		if err != nil || string(got) != want {
			t.Errorf("%q is %q, want %q (%v)", text, got, want, err)
		}
	}
}

func TestOtherEncodings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\xff\xfea\x00":             "a.toml: is encoded in UTF-16 (little-endian), not in UTF-8",
		"\xfe\xff\x00a":             "a.toml: is encoded in UTF-16 (big-endian), not in UTF-8",
		"a\x00b\x00":                "a.toml: is encoded in UTF-16 (little-endian), not in UTF-8",
		"\x00a\x00b":                "a.toml: is encoded in UTF-16 (big-endian), not in UTF-8",
		"\xff\xfe\x00\x00a\x00\x00": "a.toml: is encoded in UTF-32, not in UTF-8",
		"a\nna\xefve":               "a.toml:2:3: the byte 0xef is not UTF-8; in Latin-1 it is 'ï'",
		"\x80":                      "a.toml:1:1: the byte 0x80 is not UTF-8",
		"é\xc3":                     "a.toml:1:3: the byte 0xc3 is not UTF-8; in Latin-1 it is 'Ã'",
	} {
		got, err := UTF8("a.toml", []byte(text))
		if err == nil || problem.Text(err) != want+"\nhint: save the file as UTF-8" {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
}

// FuzzUTF8: what is returned is UTF-8, and what is refused has a place.
func FuzzUTF8(f *testing.F) {
	for _, seed := range []string{"", "é", "\xff\xfea\x00", "\xef\xbb\xbf", "a\n\xe9", "\x00a\x00b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := UTF8("a", text)
		switch {
		case err == nil && !utf8.Valid(got):
			t.Errorf("%q is returned as %q", text, got)
		case err != nil && (err.At.File != "a" || err.Message == "" || len(got) > 0):
			t.Errorf("%q: %+v, %q", text, err, got)
		}
	})
}
