package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/pelletier/go-toml/v2/unstable"
)

// node is where a key of the file, or an element of an array, stands. A nil
// node is one that the file does not have: all methods take it.
type node struct {
	at       problem.Position
	raw      string // the text of a value that is neither table nor array
	keys     []string
	children map[string]*node
	elements []*node
	header   bool // at is the key's own header, not one of a table below it
	depth    int  // levels above
	size     int  // bytes of the keys that lead here
}

func (n *node) sub(key string) *node {
	if n == nil {
		return nil
	}
	return n.children[key]
}

// names lists the keys in the order of the file.
func (n *node) names() []string {
	if n == nil {
		return nil
	}
	return n.keys
}

// element is the position of an array's element, or of its key.
func (n *node) element(i int) problem.Position {
	if n == nil {
		return problem.Position{}
	}
	if i < len(n.elements) {
		return n.elements[i].at
	}
	return n.at
}

// key is the position of a key, or of the table that lacks it.
func (n *node) key(name string) problem.Position {
	if s := n.sub(name); s != nil {
		return s.at
	}
	return n.place()
}

// positions is where each key of a table is, and each element of its lists.
func (n *node) positions() map[string]problem.Position {
	out := map[string]problem.Position{}
	for _, k := range n.names() {
		out[k] = n.key(k)
		for i, e := range n.sub(k).all() {
			out[fmt.Sprintf("%s[%d]", k, i)] = e.at
		}
	}
	return out
}

// all is the elements of an array.
func (n *node) all() []*node {
	if n == nil {
		return nil
	}
	return n.elements
}

func (n *node) place() problem.Position {
	if n == nil {
		return problem.Position{}
	}
	return n.at
}

// child is the node of a key, made at that position when the file has not
// named it before.
func (n *node) child(key string, at problem.Position) *node {
	if c, ok := n.children[key]; ok {
		return c
	}
	if n.children == nil {
		n.children = map[string]*node{}
	}
	c := &node{at: at, depth: n.depth + 1, size: n.size + len(key)}
	n.children[key] = c
	n.keys = append(n.keys, key)
	return c
}

// drop takes a key away as if the file did not have it.
func (n *node) drop(key string) {
	delete(n.children, key)
	n.keys = slices.DeleteFunc(n.keys, func(k string) bool { return k == key })
}

// last is the table that keys below n belong to: of an array of tables, the
// latest.
func (n *node) last() *node {
	if len(n.elements) == 0 {
		return n
	}
	return n.elements[len(n.elements)-1]
}

// positions makes the nodes of one file.
type positions struct {
	parser unstable.Parser
	lines  lines
	bounds bounds
}

// parsePositions is where each key of the file stands, or the first syntax
// error, or the first bound that the file exceeds.
func parsePositions(path string, text []byte) (*node, *problem.Error) {
	p := &positions{lines: newLines(path, text)}
	root := &node{at: problem.Position{File: path, Line: 1, Col: 1}}
	table := root
	p.parser.Reset(text)
	for p.within() && p.parser.NextExpression() {
		table = p.expression(root, table)
	}
	if !p.within() {
		return nil, p.bounds.exceeded
	}
	if err := p.parser.Error(); err != nil {
		return nil, p.syntax(err)
	}
	return root, tooMany(root)
}

// within reports whether the file keeps the bounds so far.
func (p *positions) within() bool { return p.bounds.exceeded == nil }

func (p *positions) syntax(err error) *problem.Error {
	e := located(problem.Position{File: p.lines.path}, err)
	var parse *unstable.ParserError
	if errors.As(err, &parse) {
		e.At, e.Message = p.lines.at(int(p.parser.Range(parse.Highlight).Offset)), parse.Message
	}
	return e
}

// expression adds a line to the nodes; it returns the table that lines after
// it belong to.
func (p *positions) expression(root, table *node) *node {
	switch e := p.parser.Expression(); e.Kind {
	case unstable.Table:
		t, _ := p.walk(root, e.Key(), true)
		return t.last()
	case unstable.ArrayTable:
		t, at := p.walk(root, e.Key(), true)
		p.element(t, at)
		return t.last()
	case unstable.KeyValue:
		n, _ := p.walk(table, e.Key(), false)
		p.value(n, e.Value())
	}
	return table
}

// walk goes down a dotted key. It returns where that leads and where the last
// part of the key stands: each element of an array of tables has a header.
func (p *positions) walk(n *node, keys unstable.Iterator, header bool) (to *node, at problem.Position) {
	parts := 0
	for ; p.within() && keys.Next(); parts++ {
		k := keys.Node()
		at = p.lines.at(int(k.Raw.Offset))
		n = n.last().child(string(k.Data), at)
		p.bounds.node(n, len(k.Data), at)
		if keys.IsLast() && header && !n.header {
			n.at, n.header = at, true
		}
	}
	p.bounds.key(n, parts, at)
	return n, at
}

func (p *positions) value(n *node, v *unstable.Node) {
	switch v.Kind {
	case unstable.Array:
		p.array(n, v)
	case unstable.InlineTable:
		for it := v.Children(); p.within() && it.Next(); {
			if kv := it.Node(); kv.Kind == unstable.KeyValue {
				to, _ := p.walk(n, kv.Key(), false)
				p.value(to, kv.Value())
			}
		}
	default:
		n.raw = string(p.parser.Raw(v.Raw))
	}
}

func (p *positions) array(n *node, v *unstable.Node) {
	for it := v.Children(); p.within() && it.Next(); {
		e := it.Node()
		if e.Kind == unstable.Comment {
			continue
		}
		at := n.at
		if e.Raw.Length > 0 {
			at = p.lines.at(int(e.Raw.Offset))
		}
		p.value(p.element(n, at), e)
	}
}

// element adds an element to an array.
func (p *positions) element(n *node, at problem.Position) *node {
	c := &node{at: at, depth: n.depth + 1, size: n.size}
	n.elements = append(n.elements, c)
	p.bounds.node(c, 0, at)
	return c
}

// lines turns offsets of a file into positions.
type lines struct {
	path string
	ends []int // offset of each line feed
	size int
}

func newLines(path string, text []byte) lines {
	l := lines{path: path, size: len(text)}
	for i := 0; ; {
		n := bytes.IndexByte(text[i:], '\n')
		if n < 0 {
			return l
		}
		i += n + 1
		l.ends = append(l.ends, i-1)
	}
}

// at is the position of an offset; one past the end is that of the end.
func (l lines) at(offset int) problem.Position {
	offset = max(0, min(offset, l.size))
	line := sort.SearchInts(l.ends, offset)
	start := 0
	if line > 0 {
		start = l.ends[line-1] + 1
	}
	return problem.Position{File: l.path, Line: line + 1, Col: offset - start + 1}
}
