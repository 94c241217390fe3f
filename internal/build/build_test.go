package build

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	image "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// built builds orders on an engine.
func built(t *testing.T, e *solvetest.Engine, all Settings, orders ...Order) ([]Result, error) {
	t.Helper()
	results, release, err := Build(t.Context(), sessionOn(t, e), all, orders)
	release()
	return results, err
}

// sessionOn is a session whose progress nobody sees.
func sessionOn(t *testing.T, e *solvetest.Engine) *solve.Session {
	t.Helper()
	progress, err := solve.NewProgress(t.Context(), io.Discard, "quiet")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := progress.Close(); err != nil {
			t.Error(err)
		}
	})
	return solve.New(e, solve.Settings{Platform: "linux/amd64", Files: base.New("", "").Files, Progress: progress})
}

func TestBuild(t *testing.T) {
	t.Parallel()
	created := time.Unix(1000, 0).UTC()
	e := &solvetest.Engine{Answer: map[string]string{exptypes.ExporterImageDigestKey: "sha256:1"}}
	caches := []client.CacheOptionsEntry{{Type: "inline"}, {Type: "registry"}}
	o := Order{Image: layered(t)["files"], Labels: map[string]string{"a": "b"}, Names: []string{"t:1"}, Outputs: []output.Output{{Type: "image"}}}
	results, err := built(t, e, Settings{Created: created, Caches: caches}, o)
	if err != nil || results[0].Target != "t" || results[0].Digest != "sha256:1" || results[0].Response[exptypes.ExporterImageDigestKey] != "sha256:1" {
		t.Errorf("%+v, %v", results, err)
	}
	whole, export := e.Options()[0], e.Options()[1]
	if len(whole.Exports) != 0 || len(whole.CacheExports) != 1 || whole.CacheExports[0].Type != "registry" {
		t.Errorf("the engine was told %+v", whole)
	}
	if len(export.Exports) != 1 || export.Exports[0].Type != "image" || len(export.CacheExports) != 1 || export.CacheExports[0].Type != "inline" {
		t.Errorf("the engine was told %+v", export)
	}
	var config image.DockerOCIImage
	if err := json.Unmarshal(e.Exported()[0][exptypes.ExporterImageConfigKey], &config); err != nil {
		t.Fatal(err)
	}
	if config.Config.Labels["a"] != "b" || !config.Created.Equal(created) || layersOf(config.History) != o.Image.LayerCount() {
		t.Errorf("configuration %+v", config)
	}
}

// An order that fails leaves the others' images alone.
func TestBuildSideBySide(t *testing.T) {
	t.Parallel()
	images := layered(t)
	e := &solvetest.Engine{Fail: map[string][]error{"[t] accounts": {errors.New("exit code: 1")}}}
	results, err := built(t, e, Settings{}, Order{Image: images["accounts"]}, Order{Image: images["files"]})
	testkit.WantText(t, err, "t: step [t] accounts failed: exit code: 1")
	if results[0].Target != "" || results[1].Target != "t" {
		t.Errorf("%+v", results)
	}
}

// A base that comes when it is asked for again is no failure of the build.
func TestBuildRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		on := stagetest.Focal()
		img, err := assemble.Target{Name: "t", Run: on}.Assemble()
		if err != nil {
			t.Fatal(err)
		}
		fetched := "docker-image://" + on.Reference
		e := &solvetest.Engine{Fail: map[string][]error{fetched: {errors.New("unexpected EOF")}}}
		results, err := built(t, e, Settings{}, Order{Image: img})
		if err != nil || results[0].Target != "t" {
			t.Errorf("%+v, %v", results, err)
		}
		if n := strings.Count(strings.Join(e.Solved(), "\n"), fetched); n != 3 || len(e.Exported()) != 2 {
			t.Errorf("fetched %d times, want it to fail, to come by itself, and to be there", n)
		}
	})
}

func TestBuildWithBrokenConfiguration(t *testing.T) {
	t.Parallel()
	img := layered(t)["files"]
	img.Base.Config = []byte("{")
	if _, err := built(t, &solvetest.Engine{}, Settings{}, Order{Image: img}); err == nil {
		t.Error("a base's configuration that is no JSON was extended")
	}
	if _, err := withHistory([]byte("{"), img, time.Time{}); err == nil {
		t.Error("a configuration that is no JSON has a history")
	}
}

// A full disk is the engine's where that is what the engine says.
func TestBuildOnFullDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ fails, says string }{
		"engine": {"write /x/snapshots/1: no space left on device", "(no space left on the disk of the engine)\nhint: medbuild prune"},
		"other":  {"no route to host", "no route to host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &solvetest.Engine{Exports: errors.New(c.fails)}
			_, err := built(t, e, Settings{}, Order{Image: layered(t)["files"], Names: []string{"t:1"}, Outputs: []output.Output{{Type: "tar", Dest: filepath.Join(t.TempDir(), "t.tar")}}})
			testkit.WantText(t, err, c.says)
			if problem.ExitCode(err) != 1 || strings.Contains(problem.Text(err), "hint") == (name == "other") {
				t.Errorf("%s", problem.Text(err))
			}
		})
	}
}

// What a failed export leaves in a new folder is removed.
func TestFailedBuildLeavesNoFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	for _, fails := range []error{errors.New("no"), nil} {
		e := &solvetest.Engine{Export: func(x client.ExportEntry) (map[string]string, error) {
			answer, err := exporter(x)
			return answer, errors.Join(err, fails)
		}}
		_, err := built(t, e, Settings{}, Order{Image: layered(t)["files"], Names: []string{"t:1"}, Outputs: []output.Output{{Type: "oci", Dest: dir, Dir: true}}})
		if (err == nil) != (fails == nil) {
			t.Errorf("%v, want %v", err, fails)
		}
		if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || fails != nil && len(left) > 0 {
			t.Errorf("%v is left: %v", left, err)
		}
	}
}

// exported is an image's manifest as an engine keeps it, and what its exporter
// answered.
func exported(t *testing.T, sizes ...int64) (*blobs, Result) {
	t.Helper()
	m := ocispecs.Manifest{MediaType: ocispecs.MediaTypeImageManifest}
	kept := &blobs{infos: map[digest.Digest]content.Info{}}
	for _, n := range sizes {
		d := digest.FromString(fmt.Sprintf("layer of %d bytes", n))
		m.Layers = append(m.Layers, ocispecs.Descriptor{Digest: d, Size: n})
		kept.infos[d] = content.Info{Digest: d, Size: n}
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	desc := ocispecs.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	told, err := json.Marshal(desc)
	if err != nil {
		t.Fatal(err)
	}
	kept.digest, kept.data = desc.Digest, data
	return kept, Result{Response: map[string]string{exptypes.ExporterImageDescriptorKey: base64.StdEncoding.EncodeToString(told)}}
}

// blobs is what an engine keeps: all can be looked up, and one can be read.
type blobs struct {
	digest digest.Digest
	data   []byte
	infos  map[digest.Digest]content.Info
}

// Info is that of a blob.
func (b *blobs) Info(_ context.Context, d digest.Digest) (content.Info, error) {
	info, ok := b.infos[d]
	if !ok {
		return info, os.ErrNotExist
	}
	return info, nil
}

// ReaderAt is that of the one.
func (b *blobs) ReaderAt(_ context.Context, d ocispecs.Descriptor) (content.ReaderAt, error) {
	if d.Digest != b.digest {
		return nil, os.ErrNotExist
	}
	return blobReader{bytes.NewReader(b.data)}, nil
}

type blobReader struct{ *bytes.Reader }

func (blobReader) Close() error { return nil }

func TestSummarize(t *testing.T) {
	t.Parallel()
	img := layered(t)["accounts"]
	kept, result := exported(t, 1000, 2, 3, 4, 5, 6)
	s := Summarize(t.Context(), sessionOn(t, &solvetest.Engine{}), kept, img, result)
	s.Where = []string{"in out"}
	wantSummary(t, s, `
t
  part              compressed
  base      cached  1.0 kB
  packages  cached  2 B
  accounts  cached  3 B
  ants      cached  in packages
  scripts   cached  4 B
  manifest  cached  5 B
  folders   cached  6 B
  6 layers, 1.0 kB compressed
  in out
`)
}

func wantSummary(t *testing.T, s Summary, want string) {
	t.Helper()
	var b strings.Builder
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("summary is\n%s\nwant\n%s", b.String(), want)
	}
}

// Unpacked sizes come from the records that the image's merge lies on, the newest
// merge of the target's: without the blobs that the engine counts among them, also
// those that it compressed in another way. A difference takes up what its upper
// side has beyond the lower.
func TestUnpackedSizes(t *testing.T) {
	t.Parallel()
	img := layered(t)["accounts"]
	kept, result := exported(t, 700, 300, 20, 30, 40, 50, 60)
	layer := func(n int) digest.Digest { return digest.FromString(fmt.Sprintf("layer of %d bytes", n)) }
	other := digest.FromString("layer of 40 bytes in gzip")
	for from, to := range map[digest.Digest]digest.Digest{layer(40): other, other: layer(40)} {
		info := kept.infos[from]
		info.Size, info.Labels = max(info.Size, 7), map[string]string{blobLabel + to.String(): to.String(), "containerd.io/uncompressed": "x"}
		kept.infos[from] = info
	}
	delete(kept.infos, layer(60)) // of a layer that the engine did not export
	now := time.Now()
	disk := []*client.UsageInfo{
		{ID: "old", Description: "[t] merge layers", Parents: []string{"gone"}, CreatedAt: now.Add(-time.Hour)},
		{ID: "new", Description: "[t] merge layers", Parents: []string{"accounts", "scripts", "manifest", "folders"}, CreatedAt: now.Add(-2 * time.Hour), LastUsedAt: &now},
		{ID: "accounts", Size: 2030, Parents: []string{"packages"}},
		{ID: "packages", Size: 3020, Parents: []string{"base2"}},
		{ID: "base2", Size: 5300, Parents: []string{"base1"}},
		{ID: "base1", Size: 6700},
		{ID: "scripts", Parents: []string{"empty", "written"}},
		{ID: "written", Size: 4047, Parents: []string{"empty"}},
		{ID: "empty", Size: 12},
		{ID: "manifest", Size: 1050},
		{ID: "folders", Size: 8000},
	}
	s := Summarize(t.Context(), sessionOn(t, &solvetest.Engine{Disk: disk}), kept, img, result)
	wantSummary(t, s, `
t
  part              compressed   unpacked
  base      cached  1.0 kB       11.0 kB
  packages  cached  20 B         3.0 kB
  accounts  cached  30 B         2.0 kB
  ants      cached  in packages
  scripts   cached  40 B         4.0 kB
  manifest  cached  50 B         1.0 kB
  folders   cached  60 B         8.0 kB
  7 layers, 1.2 kB compressed, 29.0 kB unpacked
`)
	for name, broken := range map[string]*client.UsageInfo{
		"a merge of something else": {ID: "new", Description: "[t] merge layers", Parents: []string{"accounts"}, LastUsedAt: &now},
		"packages on two layers":    {ID: "packages", Size: 3020, Parents: []string{"base2", "base1"}},
		"a record that is gone":     {ID: "accounts", Size: 2030, Parents: []string{"gone"}},
	} {
		changed := slices.Clone(disk)
		changed[slices.IndexFunc(disk, func(u *client.UsageInfo) bool { return u.ID == broken.ID })] = broken
		s := Summarize(t.Context(), sessionOn(t, &solvetest.Engine{Disk: changed}), kept, img, result)
		if s.Rows[0].Unpacked != 0 || s.Unpacked != 0 {
			t.Errorf("%s: the base is %d bytes unpacked, the image %d", name, s.Rows[0].Unpacked, s.Unpacked)
		}
	}
}

// The summary tells what was fetched for each part, and how long the parts that
// are not cached took.
func TestSummaryOfARun(t *testing.T) {
	t.Parallel()
	img := layered(t)["packages"]
	s := sessionOn(t, &solvetest.Engine{})
	from, to := time.Unix(1, 0), time.Unix(4, 0)
	def, err := solve.Definition(t.Context(), img.State, "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	s.Progress.Record.Expect(def)
	for d, meta := range def.Metadata {
		if of := llb.OperationOf(meta.Description); of.Owner == llb.OfBase {
			s.Progress.Record.Add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Name: of.Name(), Started: &from, Completed: &to}},
				Statuses: []*client.VertexStatus{{Vertex: d, ID: "sha256:1", Current: 5000}}})
		}
	}
	sum := Summarize(t.Context(), s, &blobs{}, img, Result{Where: []string{"in out"}})
	if base := sum.Rows[0]; base.Cached || base.Time != 3*time.Second || base.Fetched == 0 || sum.Fetched != base.Fetched {
		t.Errorf("%+v of %d bytes that were fetched", base, sum.Fetched)
	}
	var b strings.Builder
	if err := WritePath(&b, s.Progress.Record); err != nil || !strings.HasPrefix(b.String(), "  critical path\n    [base] ") {
		t.Errorf("%v, %q", err, b.String())
	}
	b.Reset()
	if err := WritePath(&b, solve.NewRecord()); err != nil || b.String() != "" {
		t.Errorf("%v, %q of a run of nothing", err, b.String())
	}
}

// Of an image that the engine does not have the summary says what ran.
func TestSummarizeWithoutManifest(t *testing.T) {
	t.Parallel()
	kept, result := exported(t)
	for name, r := range map[string]Result{
		"no layers":     result,
		"no descriptor": {},
		"no base64":     {Response: map[string]string{exptypes.ExporterImageDescriptorKey: "%"}},
		"no blob": {Response: map[string]string{exptypes.ExporterImageDescriptorKey: base64.StdEncoding.EncodeToString(
			fmt.Appendf(nil, `{"digest":%q,"size":1}`, digest.FromString("absent")))}},
	} {
		s := Summarize(t.Context(), sessionOn(t, &solvetest.Engine{}), kept, layered(t)["files"], r)
		if s.Layers != 0 || s.Size != 0 || len(s.Rows) != 4 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestRowOfWork(t *testing.T) {
	t.Parallel()
	s := Summary{Target: "t", Rows: []Row{{Part: "a", Work: solve.Work{Time: 1234 * time.Millisecond}, Layer: true}}}
	var b strings.Builder
	if err := s.Write(&b); err != nil || b.String() != "\nt\n  part         time\n  a     built  1.2s\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	if err := s.Write(broken{}); err == nil {
		t.Error("what cannot be written is no error")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no") }

func TestBlobsOfNoEngine(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := client.New(ctx, "unix:///absent")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, result := exported(t, 1)
	if s := Summarize(ctx, sessionOn(t, &solvetest.Engine{}), Blobs(c), assemble.Image{Name: "t"}, result); s.Layers != 0 {
		t.Errorf("%+v", s)
	}
}
