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
	work  map[digest.Digest]bool            // steps that are work; true for commands, false for fetches
	of    map[digest.Digest][]llb.Operation // what the solves say of each; components and targets can share one
	steps map[digest.Digest]*Step
	logs  map[digest.Digest]*bytes.Buffer

	running map[digest.Digest]*pending
	blobs   map[string]digest.Digest // the step that fetches each
}

// Step is one step of the graph as it went.
type Step struct {
	Name     string
	Cached   bool
	Error    string
	Started  time.Time // zero when it never ran
	Finished time.Time // zero while it runs
}

// NewRecord is an empty record.
func NewRecord() *Record {
	return &Record{work: map[digest.Digest]bool{}, of: map[digest.Digest][]llb.Operation{}, steps: map[digest.Digest]*Step{}, logs: map[digest.Digest]*bytes.Buffer{},
		running: map[digest.Digest]*pending{}, blobs: map[string]digest.Digest{}}
}

// Expect takes note of what a definition has the engine do. Merging, copying
// and looking at the user's own files is not work: it takes no time worth
// telling, and BuildKit reports it as done anew in builds that change nothing.
func (r *Record) Expect(def *bk.Definition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, data := range def.Def {
		var op pb.Op
		if proto.Unmarshal(data, &op) != nil {
			continue
		}
		source := op.GetSource().GetIdentifier()
		if op.GetExec() != nil || source != "" && !strings.HasPrefix(source, "local://") {
			d := digest.FromBytes(data)
			of := llb.OperationOf(def.Metadata[d].Description)
			for _, d := range []digest.Digest{d, uncached(d)} {
				r.work[d] = op.GetExec() != nil
				if !slices.Contains(r.of[d], of) {
					r.of[d] = append(r.of[d], of)
				}
			}
		}
	}
}

// Add takes in what a solve reports.
func (r *Record) Add(s *client.SolveStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range s.Vertexes {
		r.vertex(v)
	}
	for _, v := range s.Statuses {
		if strings.HasPrefix(v.ID, "sha256:") {
			r.blobs[v.ID] = v.Vertex
		}
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
	step := Step{Name: v.Name, Cached: v.Cached, Error: v.Error}
	if v.Started != nil {
		step.Started = *v.Started
	}
	if v.Completed != nil {
		step.Finished = *v.Completed
	}
	if old := r.steps[v.Digest]; old != nil && (old.ran() || old.Cached) {
		return
	}
	r.steps[v.Digest] = &step
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

// Tail is the last lines a step logged.
func (r *Record) Tail(d digest.Digest) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.logs[d]
	if b == nil {
		return nil
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	return lines[max(0, len(lines)-logLines):]
}

// Work is what a component's steps did in a run.
type Work struct {
	Cached bool          // no command of it ran; looking whether a source is still the same is none
	Time   time.Duration // in which at least one of its steps ran
}

// Of is the work of the operations that all stands for, without those that
// without stands for. Time is wall time: steps that ran side by side count once,
// waiting counts not at all.
func (r *Record) Of(all llb.Operation, without ...llb.Operation) Work {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ran []Step
	commands := 0
	for d, s := range r.steps {
		command, known := r.work[d]
		if !known || !s.ran() || !r.within(d, all) || r.within(d, without...) {
			continue
		}
		ran = append(ran, *s)
		if command {
			commands++
		}
	}
	return Work{Cached: commands == 0, Time: covered(ran)}
}

// within reports whether one of the operations stands for a step.
func (r *Record) within(d digest.Digest, of ...llb.Operation) bool {
	return slices.ContainsFunc(r.of[d], func(o llb.Operation) bool { return slices.ContainsFunc(of, o.Within) })
}

// covered is the length of the union of the steps' intervals.
func covered(steps []Step) time.Duration {
	slices.SortFunc(steps, func(a, b Step) int { return a.Started.Compare(b.Started) })
	var total time.Duration
	var end time.Time
	for _, s := range steps {
		from := s.Started
		if from.Before(end) {
			from = end
		}
		if s.Finished.After(from) {
			total += s.Finished.Sub(from)
			end = s.Finished
		}
	}
	return total
}
