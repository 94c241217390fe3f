package config

import (
	"errors"
	"io"
	"io/fs"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/medbuild/medbuild/internal/encoding"
	"github.com/medbuild/medbuild/internal/problem"
)

// Load reads the file at path, and the files it names. Each element of set is
// an override "component.key=value". The error is everything that is wrong,
// joined, each a *problem.Error with its place; it is of the class Usage where
// overrides alone are wrong.
//
// The files lie in the repository that holds path, or below one of the allowed
// folders, wherever links lead: others are problems. The repository is the nearest
// folder with .git, or without any the folder of path.
func Load(path string, set []string, allowed ...string) (*File, error) {
	f, err := onDisk(path, set, allowed)
	return without(f, err, (*File).all)
}

// LoadFS is Load for a file, and files that it names, of any file system. Names
// that lead out of it are problems, as are absolute ones.
func LoadFS(files fs.FS, name string, set []string) (*File, error) {
	f, err := load(inside{files}, name, set)
	return without(f, err, (*File).all)
}

// Open is Load for who needs a part of the file: what is wrong with single bases,
// components and targets is no error, but told by Wrong.
func Open(path string, set []string, allowed ...string) (*File, error) {
	f, err := onDisk(path, set, allowed)
	return without(f, err, (*File).common)
}

// Stdin is the name of standard input in places.
const Stdin = "<stdin>"

// OpenText is Open for the text of standard input. Paths in it start in the working
// folder.
func OpenText(text io.Reader, set []string, allowed ...string) (*File, error) {
	files, err := newRooted(Stdin, allowed)
	if err != nil {
		return nil, unreadable(Stdin, err)
	}
	data, err := readUpTo(text, maxText, 0)
	if err != nil {
		return nil, unreadable(Stdin, err)
	}
	f, err := readText(files, Stdin, data, set)
	return without(f, err, (*File).common)
}

// OpenFS is Open for a file of any file system.
func OpenFS(files fs.FS, name string, set []string) (*File, error) {
	f, err := load(inside{files}, name, set)
	return without(f, err, (*File).common)
}

// without is a file that has none of the problems.
func without(f *File, err error, problems func(*File) error) (*File, error) {
	if err == nil {
		err = problems(f)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func onDisk(path string, set, allowed []string) (*File, error) {
	files, err := newRooted(path, allowed)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return load(files, path, set)
}

func load(files fs.FS, name string, set []string) (*File, error) {
	text, err := read(files, name, maxText)
	if err != nil {
		return nil, unreadable(name, err)
	}
	return readText(files, name, text, set)
}

func readText(files fs.FS, name string, text []byte, set []string) (*File, error) {
	l := loader{files: files, path: name}
	if !l.parse(text) {
		return nil, l.problems.err()
	}
	for _, flag := range set {
		l.override(flag)
	}
	for _, c := range l.root.sub("components").names() {
		l.followVersion(c, set)
	}
	return l.file(), nil
}

// loader is the state of one Load.
type loader struct {
	files    fs.FS
	path     string
	values   map[string]any // the file's, as the TOML decoder gives them
	root     *node          // where each of them stands
	problems problems
	notes    []string                          // what overrides changed beside what they state
	types    map[reflect.Type]map[string]field // by their keys

	component string // that is being decoded
	named     int    // bytes of the files that were named so far
	has       map[importer]bool
}

func (l *loader) file() *File {
	var doc document
	l.decode(l.values, reflect.ValueOf(&doc).Elem(), l.root, "")
	f := &File{
		Path:       l.path,
		Notes:      l.notes,
		Image:      doc.Image,
		Bases:      inOrder(l.root.sub("bases"), doc.Bases),
		Components: inOrder(l.root.sub("components"), doc.Components),
		Targets:    inOrder(l.root.sub("targets"), doc.Targets),
	}
	for i, t := range f.Targets {
		f.Targets[i] = t.named()
	}
	f.index()
	if !l.problems.full() {
		l.check(f)
	}
	f.keep(l.problems)
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
	text, wrong := encoding.UTF8(l.path, text)
	var root *node
	if wrong == nil {
		root, wrong = parsePositions(l.path, text)
	}
	if wrong != nil {
		l.problems.note(wrong)
		return false
	}
	l.values = map[string]any{}
	if _, err := toml.Decode(string(text), &l.values); err != nil {
		l.problems.note(syntax(l.path, text, err))
		return false
	}
	l.root = root
	return true
}

func syntax(path string, text []byte, err error) *problem.Error {
	e := located(problem.Position{File: path}, err)
	var parse toml.ParseError
	if errors.As(err, &parse) {
		e.At, e.Message = newLines(path, text).at(parse.Position.Start), sentence(parse.Message)
	}
	return e
}

// sentence is a message as ours are: no capital, no full stop.
func sentence(m string) string {
	m = strings.TrimSuffix(m, ".")
	if len(m) > 1 && m[1] >= 'a' && m[1] <= 'z' {
		m = strings.ToLower(m[:1]) + m[1:]
	}
	return m
}
