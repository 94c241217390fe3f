package solve

import (
	"slices"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// news is a record of steps as an engine reports them: when they ran, in seconds,
// and what goes into them.
type news struct {
	name     string
	from, to float64
	cached   bool
	inputs   []string
}

func reported(all ...news) *Record {
	r := NewRecord()
	at := func(seconds float64) *time.Time {
		t := time.Unix(100, 0).Add(time.Duration(seconds * float64(time.Second)))
		return &t
	}
	for _, n := range all {
		v := &client.Vertex{Digest: digest.FromString(n.name), Name: n.name, Started: at(n.from), Completed: at(n.to), Cached: n.cached}
		for _, in := range n.inputs {
			v.Inputs = append(v.Inputs, digest.FromString(in))
		}
		r.Add(&client.SolveStatus{Vertexes: []*client.Vertex{v}})
	}
	return r
}

func path(r *Record) []string {
	var out []string
	for _, l := range r.CriticalPath(50 * time.Millisecond) {
		out = append(out, l.Of.Name()+" "+l.Took.String())
	}
	return out
}

// The critical path goes from input to input, whatever else ran at that time; a
// fetch that looked first and fetched then counts with both; what was cached hands
// on to its own inputs; an export, which has none in the graph, comes after what
// ended before it.
func TestCriticalPath(t *testing.T) {
	t.Parallel()
	r := reported(
		news{name: "fetch", from: 0, to: 0},
		news{name: "fetch", from: 0, to: 2},
		news{name: "quick", from: 0, to: 0.01},
		news{name: "compile", from: 2, to: 6, inputs: []string{"quick", "fetch"}},
		news{name: "side", from: 0, to: 6.9},
		news{name: "layer", from: 6, to: 6, cached: true, inputs: []string{"compile"}},
		news{name: "merge", from: 7, to: 7.5, inputs: []string{"layer", "absent"}},
		news{name: "exporting to image", from: 7.6, to: 9},
	)
	want := []string{"fetch 2s", "compile 4s", "merge 500ms", "exporting to image 1.4s"}
	if got := path(r); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Where no input ran, such as of a component's first step after the look at its
// base, the step comes after what ended before it; steps of no time end the path.
func TestCriticalPathWithoutInputs(t *testing.T) {
	t.Parallel()
	r := reported(
		news{name: "look", from: 0, to: 1},
		news{name: "late", from: 0, to: 4},
		news{name: "compile", from: 1.5, to: 5, inputs: []string{"base"}},
		news{name: "base", from: 1, to: 1, cached: true},
		news{name: "none", from: 0, to: 0},
	)
	if got, want := path(r), []string{"look 1s", "compile 3.5s"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := path(NewRecord()); len(got) != 0 {
		t.Errorf("a run of nothing has the path %q", got)
	}
}

// The last solve begins when the slowest component has told its version, however
// long the inputs of its steps have been there.
func TestCriticalPathOverSolves(t *testing.T) {
	t.Parallel()
	r := reported(
		news{name: "packages", from: 0, to: 10},
		news{name: "compile", from: 0, to: 60},
		news{name: "test", from: 60, to: 61, inputs: []string{"compile"}},
		news{name: "folders", from: 62, to: 63, inputs: []string{"packages"}},
	)
	if got, want := path(r), []string{"compile 1m0s", "test 1s", "folders 1s"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
