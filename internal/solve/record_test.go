package solve

import (
	"testing"
	"time"

	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// What a step would make may be found while it starts: the engine gives it up,
// and nothing was built.
func TestStepGivenUpIsNoWork(t *testing.T) {
	t.Parallel()
	for text, cached := range map[string]bool{"": false, "context canceled": true, "rpc error: context canceled": true, "exit code: 3": false} {
		r := NewRecord()
		d := digest.FromString("write")
		r.work[d], r.of[d] = true, []llb.Operation{{Owner: llb.OfManifest, Component: "manifest", Action: "write"}}
		from, to := time.Unix(1, 0), time.Unix(2, 0)
		r.Add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Name: "[manifest] write", Started: &from, Completed: &to, Error: text}}})
		if got := r.Of(llb.Operation{Owner: llb.OfManifest, Component: "manifest"}); got.Cached != cached {
			t.Errorf("a step that ended with %q: cached is %v", text, got.Cached)
		}
	}
}

// A base whose tar was unpacked in this run was built; where the engine found what
// it had unpacked before it was not, although the tar was looked at.
func TestUnpackedBaseIsBuilt(t *testing.T) {
	t.Parallel()
	def, err := Definition(t.Context(), llb.Tar("base", "debian.tar", digest.FromString("tar")), "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	from, to := time.Unix(1, 0), time.Unix(3, 0)
	for _, cached := range []bool{false, true} {
		r := NewRecord()
		r.Expect(def)
		for d, meta := range def.Metadata {
			unpack := llb.OperationOf(meta.Description).Action == "unpack debian.tar"
			r.Add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Started: &from, Completed: &to, Cached: cached && unpack}}})
		}
		if got := r.Of(llb.Operation{Owner: llb.OfBase, Component: "base"}); got.Cached != cached || (got.Time == 0) != cached {
			t.Errorf("%+v of a base that is cached: %v", got, cached)
		}
	}
}

// A fetch looks first, which ends at once, and fetches then: its time is that of
// both. What other solves tell of a command that has run is of its result.
func TestTimeOfAFetch(t *testing.T) {
	t.Parallel()
	at := func(second int64) *time.Time { t := time.Unix(second, 0); return &t }
	for makes, want := range map[bool]time.Duration{false: 5 * time.Second, true: time.Second} {
		r, d := NewRecord(), digest.FromString("fetch")
		r.work[d], r.of[d] = makes, []llb.Operation{{Owner: llb.OfComponent, Component: "a", Action: "fetch"}}
		for _, v := range []client.Vertex{{Started: at(1), Completed: at(2)}, {Started: at(2)}, {Started: at(2), Completed: at(6)}, {Started: at(2), Completed: at(6)}} {
			v.Digest = d
			r.Add(&client.SolveStatus{Vertexes: []*client.Vertex{&v}})
		}
		if got := r.Of(r.of[d][0]); got.Time != want {
			t.Errorf("%v, want %v (a command: %v)", got.Time, want, makes)
		}
	}
}

// A fetch under way is told of after a minute, and then more and more rarely; one
// that has ended, and a command, never.
func TestFetchUnderWay(t *testing.T) {
	t.Parallel()
	r := NewRecord()
	fetch, command := digest.FromString("fetch"), digest.FromString("compile")
	r.work[fetch], r.work[command] = false, true
	from := time.Now()
	for _, d := range []digest.Digest{fetch, command} {
		r.Add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Started: &from}}})
	}
	for _, after := range []time.Duration{0, firstNotice} {
		want := after > 0
		r.running[fetch].since = r.running[fetch].since.Add(-after)
		if taken, notice := r.underWay(fetch); notice != want || taken < after {
			t.Errorf("after %s: %s, notice is %v", after, taken, notice)
		}
	}
	if _, again := r.underWay(fetch); again {
		t.Error("it is told of twice")
	}
	r.Add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: fetch, Started: &from, Completed: &from}}})
	if taken, _ := r.underWay(fetch); taken != 0 {
		t.Error("it is under way after its end")
	}
}
