package solve

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// logLines is how many of a step's last log lines an error shows.
const logLines = 20

// Record is what a run's solves reported: when steps ran and what they said.
// It is safe for concurrent use.
type Record struct {
	mu    sync.Mutex
	work  map[digest.Digest]bool            // steps that are work; true for those that make something, false for fetches
	of    map[digest.Digest][]llb.Operation // what the solves say of each; components and targets can share one
	from  map[digest.Digest]string          // what a fetch asks: BuildKit's identifier of the source
	steps map[digest.Digest]*Step
	logs  map[digest.Digest]*bytes.Buffer

	running map[digest.Digest]*pending
	blobs   map[string]digest.Digest           // the step that fetches each
	came    map[digest.Digest]map[string]int64 // bytes of each blob of a step that were fetched
	opened  map[digest.Digest]bool             // steps whose blobs were unpacked
	misses  []Step                             // of caches, since they were last asked for
}

// Step is one step of the graph as it went.
type Step struct {
	Name     string
	Cached   bool
	Error    string
	Started  time.Time // zero when it never ran
	Finished time.Time // zero while it runs

	spans  []span // in which it ran
	inputs []digest.Digest
}

// span is a time in which a step ran.
type span struct{ from, to time.Time }

// NewRecord is an empty record.
func NewRecord() *Record {
	return &Record{work: map[digest.Digest]bool{}, of: map[digest.Digest][]llb.Operation{}, from: map[digest.Digest]string{},
		steps: map[digest.Digest]*Step{}, logs: map[digest.Digest]*bytes.Buffer{},
		running: map[digest.Digest]*pending{}, blobs: map[string]digest.Digest{}, came: map[digest.Digest]map[string]int64{}, opened: map[digest.Digest]bool{}}
}

// Expect takes note of what a definition has the engine do.
func (r *Record) Expect(def *bk.Definition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, data := range def.Def {
		var op pb.Op
		if proto.Unmarshal(data, &op) != nil {
			continue
		}
		d := digest.FromBytes(data)
		of := llb.OperationOf(def.Metadata[d].Description)
		for _, d := range []digest.Digest{d, uncached(d)} {
			r.expect(d, &op, of)
		}
	}
}

func (r *Record) expect(d digest.Digest, op *pb.Op, of llb.Operation) {
	if work, makes := isWork(op, of); work {
		r.work[d] = makes
	}
	if source := op.GetSource(); source != nil {
		r.from[d] = source.Identifier
	}
	if !slices.Contains(r.of[d], of) {
		r.of[d] = append(r.of[d], of)
	}
}

// isWork reports whether an operation is work, and whether it makes something.
// Merging, copying and looking at the user's own files is none: it takes no time
// worth telling, and BuildKit reports it as done anew in builds that change
// nothing. Unpacking the tar of a base is.
func isWork(op *pb.Op, of llb.Operation) (work, makes bool) {
	if op.GetExec() != nil || op.GetFile() != nil && of.Owner == llb.OfBase {
		return true, true
	}
	source := op.GetSource().GetIdentifier()
	return source != "" && !strings.HasPrefix(source, "local://"), false
}

// Add takes in what a solve reports.
func (r *Record) Add(s *client.SolveStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range s.Vertexes {
		r.vertex(v)
	}
	for _, v := range s.Statuses {
		r.status(v)
	}
	for _, l := range s.Logs {
		r.log(l)
	}
}

// vertex takes a step's news. A step that several solves share is reported by
// each, first by the one that ran it or found its result. What comes after is
// about the result, such as fetching it from a cache that is far away.
func (r *Record) vertex(v *client.Vertex) {
	r.runs(v.Digest, v.Started != nil && v.Completed == nil && !v.Cached)
	step := Step{Name: v.Name, Cached: v.Cached, Error: v.Error, inputs: v.Inputs}
	if v.Error != "" && !givenUp(v.Error) && (reading.MatchString(v.Name) || writing.MatchString(v.Name)) {
		r.misses = append(r.misses, step)
	}
	if v.Started != nil {
		step.Started = *v.Started
	}
	if v.Completed != nil {
		step.Finished = *v.Completed
	}
	if step.ran() {
		step.spans = []span{{step.Started, step.Finished}}
	}
	old := r.steps[v.Digest]
	if old == nil {
		r.steps[v.Digest] = &step
		return
	}
	old.again(step, r.work[v.Digest])
}

// again is further news of a step. Of one that runs a command the first end
// counts; the others look first, which ends as well, and then do what they are
// for.
func (s *Step) again(news Step, command bool) {
	if len(s.inputs) == 0 {
		s.inputs = news.inputs
	}
	if !s.ran() && !s.Cached {
		news.inputs = s.inputs
		*s = news
		return
	}
	if s.ran() && !command && len(news.spans) > 0 && !slices.Contains(s.spans, news.spans[0]) {
		s.spans = append(s.spans, news.spans[0])
	}
}

// cacheMisses is the steps that failed to read or write a cache since the last call.
func (r *Record) cacheMisses() []Step {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.misses
	r.misses = nil
	return out
}

// ran is false of a step that was given up: what it would have made was found.
func (s *Step) ran() bool {
	return !s.Cached && !s.Started.IsZero() && !s.Finished.IsZero() && !givenUp(s.Error)
}

func (r *Record) log(l *client.VertexLog) {
	b := r.logs[l.Vertex]
	if b == nil {
		b = &bytes.Buffer{}
		r.logs[l.Vertex] = b
	}
	b.Write(l.Data)
	if extra := b.Len() - 1<<16; extra > 0 {
		b.Next(extra)
	}
}

// Log is what a step logged, or the last 64 kB of it.
func (r *Record) Log(d digest.Digest) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.logs[d]; b != nil {
		return b.String()
	}
	return ""
}

// Tail is the last lines a step logged.
func (r *Record) Tail(d digest.Digest) []string {
	log := strings.TrimRight(r.Log(d), "\n")
	if log == "" {
		return nil
	}
	lines := strings.Split(log, "\n")
	return lines[max(0, len(lines)-logLines):]
}

// Work is what a component's steps did in a run.
type Work struct {
	Cached bool          // nothing of it was made; looking whether a source is still the same makes nothing
	Time   time.Duration // in which at least one of its steps ran
}

// Of is the work of the operations that all stands for, without those that
// without stands for. Time is wall time: steps that ran side by side count once,
// waiting counts not at all.
func (r *Record) Of(all llb.Operation, without ...llb.Operation) Work {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ran []span
	made := 0
	for d, s := range r.steps {
		makes, known := r.work[d]
		if !known || !s.ran() || !r.within(d, all) || r.within(d, without...) {
			continue
		}
		ran = append(ran, s.spans...)
		if makes || len(r.came[d]) > 0 || r.opened[d] {
			made++
		}
	}
	return Work{Cached: made == 0, Time: covered(ran)}
}

// within reports whether one of the operations stands for a step.
func (r *Record) within(d digest.Digest, of ...llb.Operation) bool {
	return slices.ContainsFunc(r.of[d], func(o llb.Operation) bool { return slices.ContainsFunc(of, o.Within) })
}

// covered is the length of the spans' union.
func covered(spans []span) time.Duration {
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var total time.Duration
	var end time.Time
	for _, s := range spans {
		from := s.from
		if from.Before(end) {
			from = end
		}
		if s.to.After(from) {
			total += s.to.Sub(from)
			end = s.to
		}
	}
	return total
}
