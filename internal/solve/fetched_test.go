package solve_test

import (
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
)

// What was fetched is told by component: blobs of images by the progress, files by
// what the engine keeps of them. One that was there before was not fetched.
func TestFetched(t *testing.T) {
	t.Parallel()
	const image = "[base] docker.io/library/debian@" + pin
	name, of := "http url "+archive, llb.Operation{Owner: llb.OfComponent, Component: "tool"}
	base := llb.Operation{Owner: llb.OfBase, Component: "base"}
	for what, c := range map[string]struct {
		engine           *solvetest.Engine
		component, based int64
	}{
		"all of it": {&solvetest.Engine{Kept: map[string]int64{name: 2000, "http url https://files.example/other": 5},
			Fetches: map[string][]string{image: {"sha256:1", "sha256:2", "extracting sha256:1"}}, Sizes: map[string]int64{"sha256:1": 30, "sha256:2": 4, "extracting sha256:1": 9}}, 2000, 34},
		"was there": {&solvetest.Engine{Disk: []*client.UsageInfo{{ID: "1", Description: name, Size: 2000, CreatedAt: time.Now().Add(-time.Hour)}}}, 0, 0},
		"not told":  {&solvetest.Engine{}, 0, 0},
	} {
		s := on(t, c.engine, solve.Settings{})
		if _, err := s.One(t.Context(), job(tool())); err != nil {
			t.Fatal(err)
		}
		s.end(t)
		record, kept := s.Progress.Record, s.KeptFiles(t.Context())
		if got := record.Fetched(kept, of); got != c.component {
			t.Errorf("%s: the component fetched %d bytes, want %d", what, got, c.component)
		}
		if got := record.Fetched(kept, base); got != c.based {
			t.Errorf("%s: the base fetched %d bytes, want %d", what, got, c.based)
		}
		if got := record.Fetched(kept, of, base); got != c.component+c.based {
			t.Errorf("%s: %d bytes in all", what, got)
		}
		if work := record.Of(base); work.Cached == (c.based > 0) {
			t.Errorf("%s: the base is %+v", what, work)
		}
	}
}
