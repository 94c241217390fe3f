package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/medbuild/medbuild/internal/problem"
)

// maxFile is the largest file that is read, in bytes.
const maxFile = 8 << 20

// Load reads the file at path, and the files it names. Each element of set is
// an override "component.key=value". The error is a Problems with everything
// that is wrong.
func Load(path string, set []string) (*File, error) {
	text, err := read(path)
	if err != nil {
		return nil, Problems{unreadable(path, err)}
	}
	l := loader{path: path}
	if !l.parse(text) {
		return nil, l.problems.err()
	}
	for _, flag := range set {
		l.override(flag)
	}
	for _, c := range l.root.sub("components").names() {
		l.followVersion(c, set)
	}
	f := l.file()
	if err := l.problems.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// loader is the state of one Load.
type loader struct {
	path     string
	values   map[string]any // the file's, as the TOML decoder gives them
	root     *node          // where each of them stands
	problems Problems

	component string // that is being decoded
}

func (l *loader) file() *File {
	var doc document
	l.decode(l.values, reflect.ValueOf(&doc).Elem(), l.root, "")
	f := &File{
		Path:       l.path,
		Image:      doc.Image,
		Bases:      inOrder(l.root.sub("bases"), doc.Bases),
		Components: inOrder(l.root.sub("components"), doc.Components),
		Targets:    inOrder(l.root.sub("targets"), doc.Targets),
	}
	for i, t := range f.Targets {
		f.Targets[i] = t.named()
	}
	l.check(f)
	return f
}

// inOrder is the tables in the order in which the user wrote them.
func inOrder[T any](n *node, tables map[string]T) []T {
	var out []T
	for _, k := range n.names() {
		if t, ok := tables[k]; ok {
			out = append(out, t)
		}
	}
	return out
}

// parse reads the values and where they stand. The parser of positions goes
// first: it bounds how deep arrays nest, which the decoder does not.
func (l *loader) parse(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	root, problem := parsePositions(l.path, text)
	if problem != nil {
		l.problems = append(l.problems, *problem)
		return false
	}
	l.values = map[string]any{}
	if _, err := toml.Decode(string(text), &l.values); err != nil {
		l.problems = append(l.problems, syntax(l.path, text, err))
		return false
	}
	l.root = root
	return true
}

func syntax(path string, text []byte, err error) Problem {
	var parse toml.ParseError
	if !errors.As(err, &parse) {
		return Problem{At: problem.Position{File: path}, Message: err.Error()}
	}
	at := newLines(path, text).at(parse.Position.Start)
	return Problem{At: at, Message: sentence(parse.Message)}
}

// sentence is a message as ours are: no capital, no full stop.
func sentence(m string) string {
	m = strings.TrimSuffix(m, ".")
	if len(m) > 1 && m[1] >= 'a' && m[1] <= 'z' {
		m = strings.ToLower(m[:1]) + m[1:]
	}
	return m
}

func unreadable(path string, err error) Problem {
	p := Problem{At: problem.Position{File: path}, Message: reason(err)}
	if errors.Is(err, fs.ErrNotExist) {
		p.Hint = "medbuild init writes one to start from; -f names another"
	}
	return p
}

// reason is an error of the file system without the path, which the position
// names.
func reason(err error) string {
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.As(err, &at):
		return at.Err.Error()
	}
	return err.Error()
}

// read is the content of a file. Folders, devices and pipes are refused: some
// of them never end.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		return nil, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	return text, err
}
