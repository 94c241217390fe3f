package build

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/medbuild/medbuild/internal/solve"

	"github.com/medbuild/medbuild/internal/size"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/llb"
)

// Summary is what a build did: a line for each part of the image.
type Summary struct {
	Target    string
	Reference string // with its digest; "" when the output is no image
	Rows      []Row
	Layers    int   // 0 when not known
	Size      int64 // compressed, in bytes; 0 when not known
	Where     []string
}

// Row is one part of an image.
type Row struct {
	Part string
	solve.Work
	Layer bool  // it has a layer of its own
	Size  int64 // of its layers, compressed, in bytes; 0 when not known
}

// Summarize says what a build did to img: record tells what ran, and blobs has
// the manifest of the result.
func Summarize(ctx context.Context, record *solve.Record, blobs content.Provider, img assemble.Image, r Result) Summary {
	s := Summary{Target: img.Name, Rows: rows(record, img), Where: r.Where}
	m, ok := manifest(ctx, blobs, r.Response)
	if !ok {
		return s
	}
	var sizes []int64
	for _, l := range m.Layers {
		sizes = append(sizes, l.Size)
		s.Size += l.Size
	}
	s.Layers = len(sizes)
	assign(s.Rows, sizes)
	return s
}

// rows are the image's layers from the bottom up, the base first.
func rows(record *solve.Record, img assemble.Image) []Row {
	// What the target and a component share is told once: as the target's.
	target := llb.Operation{Owner: llb.OfTarget, Component: img.Name}
	var rows []Row
	for _, l := range img.Layers {
		work := record.Of(l.Steps)
		if l.Kind == assemble.ComponentLayer {
			work = record.Of(l.Steps, target)
		}
		rows = append(rows, Row{Part: l.Name, Work: work, Layer: l.Count > 0 || l.Kind == assemble.BaseLayer})
	}
	return rows
}

// assign gives each part the size of its layer: the rows are in the order of the
// layers, and all that come before the last ones are the base's.
func assign(rows []Row, sizes []int64) {
	n := len(sizes)
	for i := len(rows) - 1; i > 0 && n > 0; i-- {
		if rows[i].Layer {
			n--
			rows[i].Size = sizes[n]
		}
	}
	for _, s := range sizes[:n] {
		rows[0].Size += s
	}
}

// Write prints the summary as a table.
func (s Summary) Write(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", s.Target)
	t := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, r := range s.Rows {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", r.Part, r.state(), r.time(), r.size())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if s.Layers > 0 {
		fmt.Fprintf(w, "  %d layers, %s compressed\n", s.Layers, size.Text(s.Size))
	}
	for _, where := range s.Where {
		fmt.Fprintf(w, "  %s\n", where)
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
	return r.Time.Round(100 * time.Millisecond).String()
}

func (r Row) size() string {
	switch {
	case !r.Layer:
		return "no layer of its own: distribution packages"
	case r.Size == 0:
		return ""
	}
	return size.Text(r.Size)
}
