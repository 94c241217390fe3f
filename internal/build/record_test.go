package build

import (
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// What a step would make may be found while it starts: the engine gives it up,
// and nothing was built.
func TestStepGivenUpIsNoWork(t *testing.T) {
	for text, cached := range map[string]bool{"": false, "context canceled": true, "rpc error: context canceled": true, "exit code: 3": false} {
		r := NewRecord()
		d := digest.FromString("write")
		r.work[d] = true
		from, to := time.Unix(1, 0), time.Unix(2, 0)
		r.add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Name: "[manifest] write", Started: &from, Completed: &to, Error: text}}})
		if got := r.Of("[manifest] "); got.Cached != cached {
			t.Errorf("a step that ended with %q: cached is %v", text, got.Cached)
		}
	}
}
