package config

import (
	"fmt"

	"github.com/medbuild/medbuild/internal/problem"
)

// What a TOML file may hold. The bounds are an order of magnitude above what an
// image can use, and below what is read and checked in a second.
const (
	maxText   = 2 << 20  // bytes of the file
	maxFile   = 4 << 20  // bytes of a file that it names; more is not sent within a definition
	maxNamed  = 32 << 20 // bytes of all of those, one that is named twice counted twice
	maxKey    = 256      // bytes of one part of a key
	maxDepth  = 64       // parts of a key, tables and arrays around it included
	maxValues = 150_000  // values and tables
	maxKeys   = 64 << 20 // what the decoder spends on keys, in bytes
	maxTables = 10_000   // bases, components, targets
)

// bounds counts what a file has. The decoder sees nothing that is beyond them: it
// writes out each part of a key with all that stands before it, so that a key of
// 200 kB takes 23 GB.
type bounds struct {
	values, keys int
	exceeded     *problem.Error // the first that was
}

// node counts a key of that many bytes, or an element of an array.
func (b *bounds) node(n *node, key int, at problem.Position) {
	if b.values++; b.values > maxValues {
		b.exceed(at, "the file has more than %d keys and values", maxValues)
	}
	if key > maxKey {
		b.exceed(at, "a key is longer than %d bytes", maxKey)
	}
	if n.depth > maxDepth {
		b.exceed(at, "keys and arrays are nested more than %d levels deep", maxDepth)
	}
}

// key counts the parts of a dotted key that leads to a node. The decoder goes
// down from the top for each of them.
func (b *bounds) key(n *node, parts int, at problem.Position) {
	if b.keys += parts * (8*n.depth + n.size); b.keys > maxKeys {
		b.exceed(at, "the file has too many long keys")
	}
}

func (b *bounds) exceed(at problem.Position, format string, args ...any) {
	if b.exceeded == nil {
		b.exceeded = located(at, fmt.Errorf(format, args...))
	}
}

// tooMany refuses files with more tables than are checked.
func tooMany(root *node) *problem.Error {
	for _, key := range []string{"bases", "components", "targets"} {
		if n := root.sub(key); len(n.names()) > maxTables {
			return located(n.sub(n.names()[maxTables]).at, fmt.Errorf("the file has more than %d %s", maxTables, key))
		}
	}
	return nil
}
