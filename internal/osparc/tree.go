package osparc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/medbuild/medbuild/internal/encoding"
	"github.com/medbuild/medbuild/internal/problem"
	"go.yaml.in/yaml/v3"
)

// value is a value of a file and where it stands. Its data is nil, a bool, an
// int64, a uint64, a float64, a string, a path, an unclear, a []value or a table.
type value struct {
	at   problem.Position
	name string // in messages: "version", "an entry of authors"
	data any
}

// path is a string that the platform's tool knows as a path: unlike other
// strings it is quoted where it is the whole of a label.
type path string

// unclear is a word that YAML takes for a date or for a number to the base
// of 60.
type unclear string

// table is a mapping, in the order of the file.
type table []entry

type entry struct {
	at    problem.Position // of the key
	key   string
	value value
}

// get is the entry of a key, the zero entry when there is none.
func (t table) get(key string) entry {
	for _, e := range t {
		if e.key == key {
			return e
		}
	}
	return entry{}
}

func (e entry) text() (string, problem.Position) {
	s, _ := e.value.data.(string)
	return s, e.at
}

// Limits keep anchors from making a large tree of a small file.
const (
	maxFile     = 256 << 10 // bytes
	maxDepth    = 50
	maxValues   = 20_000
	maxText     = 4 << 20 // bytes of all values, those that aliases repeat included
	maxProblems = 100
)

// reader collects what is wrong with the files.
type reader struct {
	problems []*problem.Error
	open     []*problem.Error // what is the owner's to fill in
	file     string
	values   int
	text     int // bytes of the values
}

// note keeps a problem, unless there are too many to be read.
func (r *reader) note(e *problem.Error) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, e)
	}
}

// expanded reports whether the file is larger than it may become.
func (r *reader) expanded() bool { return r.values > maxValues || r.text > maxText }

func (r *reader) add(at problem.Position, message string, hints ...string) {
	r.note(&problem.Error{At: at, Class: problem.Refused, Message: message, Hints: hints})
}

func (r *reader) addError(at problem.Position, err error) {
	r.note(&problem.Error{At: at, Class: problem.Refused, Message: err.Error(), Cause: err})
}

func (r *reader) wrong(v value, must string) {
	r.add(v.at, fmt.Sprintf("%s must be %s, not %s", v.name, must, v.kind()), v.rewrite(must)...)
}

// tree is the one document of a file; there is none when the file is absent.
func (r *reader) tree(f File) (value, bool) {
	if f.Text == nil {
		return value{}, false
	}
	r.file = f.Path
	if len(f.Text) > maxFile {
		r.add(problem.Position{File: f.Path, Line: 1, Col: 1}, fmt.Sprintf("the file is larger than %d KiB", maxFile>>10))
		return value{}, false
	}
	text, wrong := encoding.UTF8(f.Path, f.Text)
	if wrong != nil {
		wrong.At.Line, wrong.At.Col = max(wrong.At.Line, 1), max(wrong.At.Col, 1)
		r.note(wrong)
		return value{}, false
	}
	return r.document(f.Path, text)
}

// document is the one document of a text.
func (r *reader) document(path string, text []byte) (value, bool) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	err := d.Decode(&doc)
	if err == nil {
		err = d.Decode(&second)
	}
	switch {
	case second.Kind != 0:
		r.add(r.position(&second), "there is a second document", "a file holds one document: remove the line ---")
		return value{}, false
	case doc.Kind == 0 && errors.Is(err, io.EOF):
		r.add(problem.Position{File: path, Line: 1, Col: 1}, "the file is empty")
		return value{}, false
	case !errors.Is(err, io.EOF):
		r.syntax(err, text)
		return value{}, false
	}
	r.values, r.text = 0, 0
	v := r.value(doc.Content[0], "the file", 0)
	if r.expanded() {
		r.add(v.at, fmt.Sprintf("the file expands to more than %d values or %d MiB", maxValues, maxText>>20), "its aliases multiply each other: write the values out")
		return value{}, false
	}
	return v, true
}

var (
	yamlError   = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)
	parserError = regexp.MustCompile(`^did not find expected (<|node|key|'-'|',')`)
	noAnchor    = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax tells what is not YAML. The library says where in words, and not
// always: its scanner counts lines from 1 and its parser from 0, and what it
// cannot read at all has no line.
func (r *reader) syntax(err error, text []byte) {
	at := problem.Position{File: r.file, Line: 1, Col: 1}
	message, line := err.Error(), 0
	if m := yamlError.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	at.Line = max(line, 1)
	switch m := noAnchor.FindStringSubmatch(message); {
	case m != nil:
		at.Line = 1 + bytes.Count(text[:max(0, bytes.Index(text, []byte("*"+m[1])))], []byte("\n"))
	case parserError.MatchString(message):
		at.Line = line + 1
	case line == 0:
		at.Line += bytes.Count(text[:readable(text)], []byte("\n"))
	}
	r.addError(at, &problem.Error{Message: "not YAML: " + message, Cause: err})
}

// readable is how much of a text is characters that YAML can have; none of it
// when all is.
func readable(text []byte) int {
	for i, c := range string(text) {
		if c == utf8.RuneError || unicode.IsControl(c) && !strings.ContainsRune("\t\r\n\u0085", c) {
			return i
		}
	}
	return 0
}

func (r *reader) position(n *yaml.Node) problem.Position {
	return problem.Position{File: r.file, Line: n.Line, Col: n.Column}
}

// value is the tree below a node.
func (r *reader) value(n *yaml.Node, name string, depth int) value {
	v := value{at: r.position(n), name: name}
	r.values++
	r.text += len(n.Value)
	if r.expanded() {
		return v
	}
	if depth > maxDepth {
		r.add(v.at, fmt.Sprintf("nested more than %d levels deep", maxDepth))
		return v
	}
	switch n.Kind {
	case yaml.AliasNode:
		v.data = r.value(n.Alias, name, depth+1).data
	case yaml.MappingNode:
		v.data = r.table(n, depth)
	case yaml.SequenceNode:
		v.data = r.list(n, name, depth)
	default:
		v.data = r.scalar(n, v)
	}
	return v
}

func (r *reader) list(n *yaml.Node, name string, depth int) []value {
	out := []value{}
	for _, c := range n.Content {
		if r.expanded() {
			break
		}
		out = append(out, r.value(c, "an entry of "+name, depth+1))
	}
	return out
}

func (r *reader) table(n *yaml.Node, depth int) table {
	out := table{}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && !r.expanded(); i += 2 {
		k := r.value(n.Content[i], "a key", depth+1)
		key, ok := k.data.(string)
		switch {
		case !ok:
			r.wrong(k, "a string")
			continue
		case seen[key]:
			r.add(k.at, fmt.Sprintf("the key %q is given twice", key))
			continue
		}
		seen[key] = true
		out = append(out, entry{k.at, key, r.value(n.Content[i+1], key, depth+1)})
	}
	return out
}
