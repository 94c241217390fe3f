package site

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/medbuild/medbuild/internal/files"
)

// maxNetrc is the largest netrc file that is read, in bytes.
const maxNetrc = 1 << 20

// Netrc is the logins of the user's netrc file: $NETRC, else .netrc in the home
// folder (_netrc on Windows). A file that is not there has none. The login for
// all other hosts ("default") is not among them: it would be sent to sites that
// ask nobody who they are.
func (s Site) Netrc() (func(host string) Login, error) {
	path := s.Getenv("NETRC")
	name := ".netrc"
	if runtime.GOOS == "windows" {
		name = "_netrc"
	}
	data, err := files.Read(cmp.Or(path, filepath.Join(s.Home, name)), maxNetrc)
	if err != nil && (path != "" || !errors.Is(err, fs.ErrNotExist)) {
		return nil, fmt.Errorf("netrc: %w", err)
	}
	logins := parseNetrc(string(data))
	return func(host string) Login {
		if l, ok := logins[host]; ok {
			return l
		}
		return logins[withoutPort(host)]
	}, nil
}

// parseNetrc reads the logins of a netrc file by machine; the first one of a
// machine counts.
func parseNetrc(text string) map[string]Login {
	out := map[string]Login{}
	words := netrcWords(text)
	machine := ""
	for i := 0; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		l := out[machine]
		switch words[i] {
		case "default":
			machine = ""
			continue
		case "machine":
			machine = value
			if _, again := out[machine]; again {
				machine = ""
			}
		case "login":
			l.User = value
		case "password":
			l.Password = value
		}
		if words[i] != "machine" {
			out[machine] = l
		}
		i++
	}
	delete(out, "")
	return out
}

// netrcWord is a word, or anything in quotes.
var netrcWord = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|\S+`)

// netrcWords is the words of the file without comments and macros. A macro ends
// at an empty line.
func netrcWords(text string) []string {
	var out []string
	macro := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			macro = false
		case macro || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "macdef"):
			macro = true
		default:
			out = append(out, netrcLine(line)...)
		}
	}
	return out
}

func netrcLine(line string) []string {
	var out []string
	for _, m := range netrcWord.FindAllStringSubmatch(line, -1) {
		if strings.HasPrefix(m[0], `"`) && len(m[0]) > 1 && strings.HasSuffix(m[0], `"`) {
			m[0] = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[1])
		}
		out = append(out, m[0])
	}
	return out
}
