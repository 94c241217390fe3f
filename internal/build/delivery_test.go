package build

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// answer is what the engine's exporters say.
var answer = map[string]string{exptypes.ExporterImageDigestKey: "sha256:" + testkit.SHA256}

// order is an image of one package, and where it goes.
func order(t *testing.T, name string, outputs ...string) Order {
	t.Helper()
	tool := &stages.ANTs{Common: stage.Common{Name: name + "-ants", Stage: "ants", Version: "2.5.4"}, Distribution: true}
	img, err := assemble.Target{Name: name, Run: stagetest.Trixie(), Members: []assemble.Member{{Tool: tool, Build: stagetest.Trixie()}}}.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	o := Order{Image: img, Names: []string{"example/" + name + ":1", "example/" + name + ":latest"}}
	for _, s := range outputs {
		out, err := output.ParseOutput(s)
		if err != nil {
			t.Fatal(err)
		}
		o.Outputs = append(o.Outputs, out)
	}
	return o
}

// Each image goes to its own place, under its own names.
func TestBuildDelivers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	to := "type=oci,tar=false,dest=" + dir + "/{target}"
	e := &solvetest.Engine{Export: exporter}
	results, err := built(t, e, Settings{Created: time.Unix(7, 0)}, order(t, "one", to), order(t, "two", to, "type=image"))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"one", "two"} {
		place := filepath.Join(dir, name)
		wants(t, place, "example/"+name+":1", results[i].Digest)
		wants(t, place, "example/"+name+":latest", results[i].Digest)
		if r := results[i]; r.Target != name || r.Where[0] != "in "+place || len(r.Written[0].Names) != 2 {
			t.Errorf("%+v", r)
		}
	}
	if w := results[1].Where; len(w) != 2 || !strings.HasPrefix(w[1], "in the engine's cache") {
		t.Errorf("the second is %q", w)
	}
}

// kinds are the kinds of outputs, each with bytes of its own.
var kinds = []string{
	"type=registry,compression=gzip,force-compression=true", "type=image,oci-mediatypes=false", "type=docker,dest=DIR/docker.tar",
	"type=oci,dest=DIR/oci.tar,compression=uncompressed,force-compression=true", "type=oci,tar=false,dest=DIR/layout",
	"type=oci,tar=false,dest=DIR/layout-gzip,compression=gzip,force-compression=true", "type=local,dest=DIR/files", "type=tar,dest=DIR/files.tar",
}

// Of every pair of outputs each is what it would be alone, and the result says so.
func TestPairsOfOutputs(t *testing.T) {
	t.Parallel()
	for i, a := range kinds {
		for j, b := range kinds[i+1:] {
			t.Run(fmt.Sprint(i, " ", i+1+j), func(t *testing.T) {
				t.Parallel()
				pair(t, a, b)
				pair(t, b, a)
			})
		}
	}
}

func pair(t *testing.T, outputs ...string) {
	t.Helper()
	dir := t.TempDir()
	for i := range outputs {
		outputs[i] = strings.ReplaceAll(outputs[i], "DIR", dir)
	}
	e := &solvetest.Engine{Export: exporter}
	results, err := built(t, e, Settings{}, order(t, "one", outputs...))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range results[0].Written {
		o, err := output.ParseOutput(outputs[i])
		if err != nil {
			t.Fatal(err)
		}
		if want := digestOf(o.Type, o.Attrs); w.Digest != want {
			t.Errorf("%s is said to be %q, want %q", outputs[i], w.Digest, want)
		}
		if o.Dir && o.Image() {
			wants(t, o.Dest, "example/one:1", w.Digest)
		}
	}
	for _, opt := range e.Options() {
		if len(opt.Exports) > 1 {
			t.Errorf("one solve exports to %d outputs", len(opt.Exports))
		}
	}
}

// wants wants a layout to have the image by that reference.
func wants(t *testing.T, layout, reference, digest string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index ocispecs.Index
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	for _, m := range index.Manifests {
		if m.Annotations[ocispecs.AnnotationRefName] == reference {
			if m.Digest.String() != digest {
				t.Errorf("%s of %s is %s, want %s", reference, layout, m.Digest, digest)
			}
			return
		}
	}
	t.Errorf("no %s in %s", reference, data)
}

// exporter stands for BuildKit's exporters: it writes what follows from the
// attributes, and answers with the digest of that.
func exporter(x client.ExportEntry) (map[string]string, error) {
	kind := x.Type
	if x.Output != nil {
		w, err := x.Output(nil)
		if err == nil {
			err = tar.NewWriter(w).Close()
		}
		if err = errors.Join(err, w.Close()); err != nil {
			return nil, err
		}
	}
	if kind == client.ExporterTar {
		return nil, nil
	}
	m := manifestOf(kind, x.Attrs)
	desc := ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, Digest: digest.FromBytes(m), Size: int64(len(m))}
	if x.OutputStore != nil {
		if err := content.WriteBlob(context.Background(), x.OutputStore, "m", bytes.NewReader(m), desc); err != nil {
			return nil, err
		}
	}
	data, err := json.Marshal(desc)
	return map[string]string{
		exptypes.ExporterImageDigestKey: desc.Digest.String(), exptypes.ExporterImageNameKey: x.Attrs["name"],
		exptypes.ExporterImageDescriptorKey: base64.StdEncoding.EncodeToString(data),
	}, err
}

// manifestOf is other bytes for each compression and for Docker's media types.
func manifestOf(kind string, attrs map[string]string) []byte {
	oci := cmp.Or(attrs["oci-mediatypes"], "true")
	compression := attrs["compression"]
	if compression == "" {
		compression = map[string]string{"true": "zstd", "false": "gzip"}[oci]
	}
	return fmt.Appendf(nil, `{"layers":[],"annotations":{"kind":%q,"compression":%q,"oci":%q}}`, strings.TrimSuffix(kind, "moby"), compression, oci)
}

func digestOf(kind string, attrs map[string]string) string {
	if kind == client.ExporterTar || kind == client.ExporterLocal {
		return ""
	}
	return digest.FromBytes(manifestOf(kind, attrs)).String()
}

// What is pushed cannot be taken back: it waits for the others, and is left out
// where one of them failed. Of those nothing has its place.
func TestNothingIsPushedBesideFailures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := &solvetest.Engine{Export: func(x client.ExportEntry) (map[string]string, error) {
		if x.Type == client.ExporterDocker {
			return nil, errors.New("no")
		}
		return exporter(x)
	}}
	o := order(t, "one", "type=registry", "type=oci,dest="+dir+"/oci.tar", "type=docker,dest="+dir+"/docker.tar")
	_, err := built(t, e, Settings{}, o)
	testkit.WantText(t, err, "--output type=docker,dest="+dir+"/docker.tar: no")
	for _, opt := range e.Options() {
		if len(opt.Exports) > 0 && opt.Exports[0].Attrs["push"] == "true" {
			t.Error("the image was pushed")
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

// An image is built anew when its engine was lost and started again: how its
// exports ended with the engine is forgotten.
func TestExportIsDoneAnew(t *testing.T) {
	t.Parallel()
	dest, lost := t.TempDir()+"/oci.tar", true
	e := &solvetest.Engine{Export: func(x client.ExportEntry) (map[string]string, error) {
		if lost {
			return nil, errors.New("transport is closing")
		}
		return exporter(x)
	}}
	o := order(t, "one", "type=oci,dest="+dest)
	s := sessionOn(t, e)
	sent, err := deliver(t.Context(), s, Settings{}, []Order{o})
	if err != nil {
		t.Fatal(err)
	}
	defer sent.release()
	sent[0].export(t.Context(), s, export(o, []byte("{}"), nil))
	testkit.WantText(t, sent[0].failed(), "transport is closing")
	lost = false
	sent[0].export(t.Context(), s, export(o, []byte("{}"), nil))
	if err := sent[0].finish(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dest); err != nil {
		t.Error(err)
	}
}

// The base is told on the manifest too, where there is one that has annotations.
func TestBaseOnManifest(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Answer: answer}
	o := order(t, "one", "type=image", "type=image,oci-mediatypes=false")
	o.Labels = map[string]string{"org.opencontainers.image.base.name": "debian:13", "org.opencontainers.image.base.digest": "sha256:1", "other": "x"}
	if _, err := built(t, e, Settings{}, o); err != nil {
		t.Fatal(err)
	}
	for _, opt := range e.Options()[1:] {
		attrs := opt.Exports[0].Attrs
		name, digest := attrs["annotation.org.opencontainers.image.base.name"], attrs["annotation.org.opencontainers.image.base.digest"]
		want := []string{"debian:13", "sha256:1"}
		if attrs["oci-mediatypes"] == "false" {
			want = []string{"", ""}
		}
		if name != want[0] || digest != want[1] || attrs["annotation.other"] != "" {
			t.Errorf("%v", attrs)
		}
	}
}

// In a Docker Engine an image goes into its store.
func TestBuildInDocker(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Answer: answer}
	results, err := built(t, e, Settings{InDocker: true}, order(t, "one", "type=image"))
	if err != nil || e.Options()[1].Exports[0].Type != "moby" || results[0].Where[0] != "in Docker: docker run --rm -it example/one:1" {
		t.Errorf("%+v, %v", results, err)
	}
}

// A failed image leaves nothing, and the others as they are.
func TestBuildFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := order(t, "broken", "type=tar,dest="+dir+"/broken.tar")
	e := &solvetest.Engine{Answer: answer, Fail: map[string][]error{"[broken] runtime packages": slices.Repeat([]error{errors.New("no")}, 9)}}
	results, err := built(t, e, Settings{}, broken, order(t, "whole", "type=image"))
	testkit.WantText(t, err, "no")
	if results[0].Target != "" || results[1].Target != "whole" {
		t.Errorf("%+v", results)
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) > 0 {
		t.Errorf("%q is left, %v", left, err)
	}
}

// What cannot go anywhere is not built.
func TestBuildWithoutDocker(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	e := &solvetest.Engine{}
	results, err := built(t, e, Settings{}, order(t, "one", "type=image"), order(t, "two", "type=docker"))
	if err == nil || len(results) != 2 || len(e.Options()) > 0 {
		t.Errorf("%+v, %v; %d builds", results, err, len(e.Options()))
	}
}

// A push that a registry refuses names it and says what to do; what another try may
// mend has the exit code for that.
func TestRefusedPush(t *testing.T) {
	t.Parallel()
	for said, c := range map[string]struct {
		code int
		says string
	}{
		"unsupported": {1, `registry hub.example answers "unsupported", the code for 405 Method Not Allowed`},
		"unexpected status from PUT request to https://hub.example/v2/lab/tool/manifests/1: 503 Service Unavailable": {75, "registry hub.example answers 503 Service Unavailable to PUT /v2/lab/tool/manifests/1"},
	} {
		e := &solvetest.Engine{Exports: errors.New("failed to push hub.example/lab/tool:1: " + said)}
		_, err := built(t, e, Settings{}, order(t, "one", "type=registry"))
		testkit.WantText(t, err, "--output type=image: push hub.example/lab/tool:1: "+c.says)
		if problem.ExitCode(err) != c.code || len(problem.Hints(err)) != 1 {
			t.Errorf("exit code %d, want %d: %s", problem.ExitCode(err), c.code, problem.Text(err))
		}
	}
}

// An export that wants a layer which a cache has lost has the whole image made
// again: what was made by the cache's word is of no use to any export.
func TestExportLacksALayerOfACache(t *testing.T) {
	t.Parallel()
	tries := 0
	e := &solvetest.Engine{Export: func(x client.ExportEntry) (map[string]string, error) {
		if tries++; tries == 1 {
			return nil, errors.New("failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:" + testkit.SHA256 + " (x) from remote: not found")
		}
		return exporter(x)
	}}
	s := sessionOn(t, e)
	s.Imports = []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": "hub.example/c:1"}}}
	results, release, err := Build(t.Context(), s, Settings{}, []Order{order(t, "one", "type=oci,tar=false,dest="+t.TempDir()+"/one")})
	release()
	if err != nil || tries != 2 || results[0].Digest == "" {
		t.Fatalf("%+v, %v, %d tries", results, err, tries)
	}
	wants(t, results[0].Written[0].Output.Dest, "example/one:1", results[0].Digest)
	if n := len(e.Options()); n != 4 {
		t.Errorf("%d builds, want the image and its export twice; read %q", n, e.Read())
	}
}

// A cache that cannot be written leaves the image where it goes, and is an error.
func TestUnwrittenCache(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Export: exporter, Unkept: errors.New("error writing layer blob: unexpected status from POST request to https://hub.example/v2/c/blobs/uploads/: 503 Service Unavailable")}
	caches := []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": "hub.example/c:1"}}}
	results, err := built(t, e, Settings{Caches: caches}, order(t, "one", "type=oci,tar=false,dest="+t.TempDir()+"/one"))
	testkit.WantText(t, err, "--cache-to hub.example/c:1: registry hub.example answers 503 Service Unavailable to POST /v2/c/blobs/uploads/", "hint: the registry has a problem", "hint: the image itself was built")
	if problem.ExitCode(err) != 75 || results[0].Digest == "" {
		t.Fatalf("exit code %d, %+v", problem.ExitCode(err), results)
	}
	wants(t, results[0].Written[0].Output.Dest, "example/one:1", results[0].Digest)
}
