// Package solvetest is an engine for tests: it solves nothing and answers as it
// is told to. What talks to it is BuildKit's own client.
package solvetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	digest "github.com/opencontainers/go-digest"
)

// ErrStalled is the failure of a step that goes on until its solve is cancelled.
var ErrStalled = errors.New("stalled")

// Image is what an engine knows of an image.
type Image struct {
	Digest digest.Digest
	Config []byte
}

// Engine is an engine. All steps succeed but those that Fail names.
type Engine struct {
	// Fail has the errors of steps, by their names or the identifiers of what
	// they fetch (after "alone " where a repository is asked for one commit), and
	// of questions, by "now " and the identifier. Each counts once; nil is a
	// success.
	Fail    map[string][]error
	Images  map[string]Image         // by reference
	Sources map[string]digest.Digest // what addresses have now; others cannot be asked
	Logs    map[string]string        // what steps say, by name
	Kept    map[string]int64         // the sizes of what is kept since now, by description
	Disk    []*client.UsageInfo      // what is kept besides
	Fetches map[string][]string      // the blobs that a step fetches, by name
	Sizes   map[string]int64         // of those blobs, in bytes
	Files   map[string]string        // of every result
	Exports error                    // of exporting a result
	Answer  map[string]string        // of the exporters
	Caches  map[string]error         // of reading caches, by reference; those of others work
	Unkept  error                    // of writing caches

	// Export takes the place of an exporter; nil answers with Answer.
	Export func(client.ExportEntry) (map[string]string, error)

	Command   func(Process) int // is what runs in containers
	LastWords string            // of commands: output that comes after the word that all is done
	NoStream  error             // of opening the stream to processes

	mu     sync.Mutex
	solved []string
	read   []string
	opts   []client.SolveOpt
	pruned []string

	exported []map[string][]byte
	builds   map[string]*bridge
}

// Solved lists the steps that were run and the questions that were asked, in
// order: by identifier, as in Fail; of commands "run".
func (e *Engine) Solved() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.solved)
}

// Read lists the references of the caches that solves were to read, in order.
func (e *Engine) Read() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.read)
}

// reads takes note of a cache that a solve is to read, and how that goes.
func (e *Engine) reads(reference string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.read = append(e.read, reference)
	return e.Caches[reference]
}

// Options lists what the builds were begun with.
func (e *Engine) Options() []client.SolveOpt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.opts)
}

// Pruned lists the filters of what was removed.
func (e *Engine) Pruned() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.pruned)
}

// Build is one build. As on the way from an engine, an error becomes text.
func (e *Engine) Build(ctx context.Context, opt client.SolveOpt, product string, run gateway.BuildFunc, status chan *client.SolveStatus) (*client.SolveResponse, error) {
	defer close(status)
	ctx, end := context.WithCancel(ctx)
	defer end()
	b := e.begin(opt, status)
	g, err := grpcclient.New(ctx, nil, "session", product, b, nil)
	if err == nil {
		err = e.export(run(ctx, g))
	}
	if err == nil && len(opt.Exports) > 0 {
		err = e.Exports
	}
	answer := e.Answer
	if err == nil && e.Export != nil {
		answer, err = e.exports(opt.Exports)
	}
	if err == nil && len(opt.CacheExports) > 0 {
		err = e.Unkept
	}
	if err != nil {
		return nil, errors.New(err.Error())
	}
	return &client.SolveResponse{ExporterResponse: answer}, nil
}

// exports exports to all outputs of a build. As BuildKit does, it merges what the
// exporters answer.
func (e *Engine) exports(entries []client.ExportEntry) (map[string]string, error) {
	merged := map[string]string{}
	for _, x := range entries {
		answer, err := e.Export(x)
		if err != nil {
			return nil, err
		}
		maps.Copy(merged, answer)
	}
	return merged, nil
}

// export takes note of what goes with a result.
func (e *Engine) export(res *gateway.Result, err error) error {
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.exported = append(e.exported, res.Metadata)
	return nil
}

// Exported lists what went with the builds' results, by key.
func (e *Engine) Exported() []map[string][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.exported)
}

func (e *Engine) begin(opt client.SolveOpt, status chan *client.SolveStatus) *bridge {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := &bridge{engine: e, status: status, results: map[digest.Digest]*result{}, containers: map[string]*container{}}
	if e.builds == nil {
		e.builds = map[string]*bridge{}
	}
	e.opts, e.builds[opt.Ref] = append(e.opts, opt), b
	return b
}

// GatewayClientForBuild is a client of a build under way.
func (e *Engine) GatewayClientForBuild(ref string) gatewayapi.LLBBridgeClient {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.builds[ref]
}

// DiskUsage is what of Kept and Disk the filters name.
func (e *Engine) DiskUsage(_ context.Context, opts ...client.DiskUsageOption) ([]*client.UsageInfo, error) {
	var info client.DiskUsageInfo
	for _, o := range opts {
		o.SetDiskUsageOption(&info)
	}
	wanted, err := filters.ParseAll(info.Filter...)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(e.Disk)
	for description, size := range e.Kept {
		all = append(all, &client.UsageInfo{ID: "of " + description, Description: description, Size: size, CreatedAt: time.Now()})
	}
	return slices.DeleteFunc(all, func(u *client.UsageInfo) bool { return !wanted.Match(fields(u)) }), nil
}

// fields are those of a record that filters are compared with.
func fields(u *client.UsageInfo) filters.Adaptor {
	return filters.AdapterFunc(func(path []string) (string, bool) {
		value := map[string]string{"id": u.ID, "description": u.Description}[path[0]]
		return value, value != ""
	})
}

// Prune takes note of what is to be removed.
func (e *Engine) Prune(_ context.Context, _ chan client.UsageInfo, opts ...client.PruneOption) error {
	var info client.PruneInfo
	for _, o := range opts {
		o.SetPruneOption(&info)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pruned = append(e.pruned, info.Filter...)
	return nil
}

// next takes the next error of one of the names; the last is what is listed.
func (e *Engine) next(names ...string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.solved = append(e.solved, names[len(names)-1])
	for _, n := range names {
		if all := e.Fail[n]; len(all) > 0 {
			e.Fail[n] = all[1:]
			return all[0]
		}
	}
	return nil
}
