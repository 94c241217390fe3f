package build

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/size"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/llb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Summary is what a build did: a line for each part of the image.
type Summary struct {
	Target    string
	Reference string // with its digest; "" when the output is no image
	Rows      []Row
	Layers    int   // 0 when not known
	Size      int64 // compressed, in bytes; 0 when not known
	Unpacked  int64 // in bytes; 0 when not known of every layer
	Fetched   int64 // in bytes, in this run
	Where     []string
}

// Row is one part of an image.
type Row struct {
	Part string
	solve.Work
	Layer    bool  // it has a layer of its own
	Size     int64 // of its layers, compressed, in bytes; 0 when not known
	Unpacked int64 // of its layers, in bytes; 0 when not known
	Fetched  int64 // in bytes, in this run

	root   bool // its layer is made on the one of the row above, not merged
	layers []digest.Digest
}

// Summarize says what a build did to img: the session's record tells what ran,
// blobs has the manifest of the result, and the engine knows sizes.
func Summarize(ctx context.Context, s *solve.Session, blobs content.InfoReaderProvider, img assemble.Image, r Result) Summary {
	out := Summary{Target: img.Name, Rows: rows(s.Progress.Record, img), Where: r.Where}
	out.fetched(s.Progress.Record, s.KeptFiles(ctx), img)
	m, ok := manifest(ctx, blobs, r.Response)
	if !ok {
		return out
	}
	for _, l := range m.Layers {
		out.Size += l.Size
	}
	out.Layers = len(m.Layers)
	assign(out.Rows, m.Layers)
	unpack(ctx, s, blobs, img, out.Rows)
	out.Unpacked = total(out.Rows)
	return out
}

// rows are the image's layers from the bottom up, the base first.
func rows(record *solve.Record, img assemble.Image) []Row {
	var rows []Row
	for _, l := range img.Layers {
		of, without := whose(l, img)
		rows = append(rows, Row{Part: l.Name, Work: record.Of(of, without...), Layer: l.Count > 0 || l.Kind == assemble.BaseLayer,
			root: l.Kind == assemble.BaseLayer || l.Kind == assemble.PackageLayer || l.Kind == assemble.AccountLayer || l.Kind == assemble.AppendLayer})
	}
	return rows
}

// whose is the operations that a layer's row tells of. What the target and a
// component share is told once: as the target's.
func whose(l assemble.Layer, img assemble.Image) (of llb.Operation, without []llb.Operation) {
	if l.Kind == assemble.ComponentLayer {
		without = append(without, llb.Operation{Owner: llb.OfTarget, Component: img.Name})
	}
	return l.Steps, without
}

// fetched gives each row what was fetched for it.
func (s *Summary) fetched(record *solve.Record, kept solve.Files, img assemble.Image) {
	var all []llb.Operation
	for i, l := range img.Layers {
		s.Rows[i].Fetched = record.Fetched(kept, l.Steps)
		all = append(all, l.Steps)
	}
	s.Fetched = record.Fetched(kept, all...)
}

// assign gives each part its layers: the rows are in the order of the layers, and
// all that come before the last ones are the base's.
func assign(rows []Row, layers []ocispecs.Descriptor) {
	n := len(layers)
	for i := len(rows) - 1; i > 0 && n > 0; i-- {
		if rows[i].Layer {
			n--
			rows[i].take(layers[n])
		}
	}
	for _, l := range layers[:n] {
		rows[0].take(l)
	}
}

func (r *Row) take(layer ocispecs.Descriptor) {
	r.Size += layer.Size
	r.layers = append(r.layers, layer.Digest)
}

// total is the unpacked size of all rows, 0 when one is not known.
func total(rows []Row) int64 {
	var n int64
	for _, r := range rows {
		if r.Layer && r.Unpacked == 0 {
			return 0
		}
		n += r.Unpacked
	}
	return n
}

// Write prints the summary as a table.
func (s Summary) Write(w io.Writer) error {
	table := [][]string{{"part", "", "time", "compressed", "unpacked", "fetched"}}
	for _, r := range s.Rows {
		table = append(table, []string{r.Part, r.state(), r.time(), r.size(), known(r.Unpacked), known(r.Fetched)})
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", s.Target); err != nil {
		return err
	}
	if err := aligned(w, "  ", filled(table)); err != nil {
		return err
	}
	for _, line := range append(s.totals(), s.Where...) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	return nil
}

// totals is the line of the whole image, if there is anything to say.
func (s Summary) totals() []string {
	var all []string
	if s.Layers > 0 {
		all = append(all, fmt.Sprintf("%d layers", s.Layers), size.Text(s.Size)+" compressed")
	}
	if s.Unpacked > 0 {
		all = append(all, size.Text(s.Unpacked)+" unpacked")
	}
	if s.Fetched > 0 {
		all = append(all, size.Text(s.Fetched)+" fetched")
	}
	if len(all) == 0 {
		return nil
	}
	return []string{strings.Join(all, ", ")}
}

// filled is a table without the columns that are empty below their heads.
func filled(table [][]string) [][]string {
	out := make([][]string, len(table))
	for i := range table[0] {
		if !slices.ContainsFunc(table[1:], func(row []string) bool { return row[i] != "" }) {
			continue
		}
		for j, row := range table {
			out[j] = append(out[j], row[i])
		}
	}
	return out
}

// aligned prints a table.
func aligned(w io.Writer, indent string, table [][]string) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 2, 0, 2, ' ', 0)
	for _, row := range table {
		fmt.Fprintln(t, indent+strings.Join(row, "\t"))
	}
	_ = t.Flush() // to memory
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func (r Row) state() string {
	if r.Cached {
		return "cached"
	}
	return "built"
}

func (r Row) time() string {
	if r.Cached {
		return ""
	}
	return tenths(r.Time)
}

func (r Row) size() string {
	if !r.Layer {
		return "in packages"
	}
	return known(r.Size)
}

// known is a size, or nothing where it is not known.
func known(n int64) string {
	if n == 0 {
		return ""
	}
	return size.Text(n)
}

func tenths(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }

// shortest is how long a step takes at least that the critical path shows.
const shortest = 50 * time.Millisecond

// WritePath prints the steps that decided how long a run took, those of a tenth
// of a second or more.
func WritePath(w io.Writer, record *solve.Record) error {
	var table [][]string
	for _, l := range record.CriticalPath(shortest) {
		table = append(table, []string{l.Of.Name(), tenths(l.Took)})
	}
	if len(table) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w, "  critical path"); err != nil {
		return err
	}
	return aligned(w, "    ", table)
}
