// Package encoding names the encoding of text files that are not UTF-8.
package encoding

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/medbuild/medbuild/internal/problem"
)

const hint = "save the file as UTF-8"

// UTF8 is the text of a file without a byte order mark. Text in any other encoding
// is an error, which says which one it seems to be; that of a single byte has its
// place.
func UTF8(path string, text []byte) ([]byte, *problem.Error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if name := wide(text); name != "" {
		return nil, refused(problem.Position{File: path}, "is encoded in "+name+", not in UTF-8")
	}
	if utf8.Valid(text) {
		return text, nil
	}
	i := invalid(text)
	message := fmt.Sprintf("the byte 0x%02x is not UTF-8", text[i])
	if text[i] >= 0xa0 { // printable in Latin-1
		message += fmt.Sprintf("; in Latin-1 it is %q", rune(text[i]))
	}
	return nil, refused(place(path, text[:i]), message)
}

func refused(at problem.Position, message string) *problem.Error {
	return &problem.Error{At: at, Class: problem.Refused, Message: message, Hints: []string{hint}}
}

// wide is the encoding of text of more than a byte for each character, by its mark
// or, without one, by the zeros that stand beside the letters of its first words.
func wide(text []byte) string {
	for _, e := range []struct{ mark, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"},
		{"\xff\xfe", "UTF-16 (little-endian)"}, {"\xfe\xff", "UTF-16 (big-endian)"},
	} {
		if bytes.HasPrefix(text, []byte(e.mark)) {
			return e.name
		}
	}
	switch {
	case len(text) < 4:
	case text[0] != 0 && text[1] == 0 && text[2] != 0 && text[3] == 0:
		return "UTF-16 (little-endian)"
	case text[0] == 0 && text[1] != 0 && text[2] == 0 && text[3] != 0:
		return "UTF-16 (big-endian)"
	}
	return ""
}

// invalid is where the first byte stands that no character of UTF-8 has.
func invalid(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// place is where text goes on.
func place(path string, before []byte) problem.Position {
	return problem.Position{File: path, Line: 1 + bytes.Count(before, []byte("\n")), Col: len(before) - bytes.LastIndexByte(before, '\n')}
}
