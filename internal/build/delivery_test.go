package build

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/solve/solvetest"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
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
	e := &solvetest.Engine{Answer: answer}
	results, err := built(t, e, Settings{Created: time.Unix(7, 0)}, order(t, "one", to), order(t, "two", to, "type=image"))
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{}
	for _, opt := range e.Options() {
		x := opt.Exports[0]
		places[x.OutputDir] = x.Attrs["name"] + " " + x.Attrs["source-date-epoch"]
	}
	for i, name := range []string{"one", "two"} {
		place := filepath.Join(dir, name)
		if got, want := places[place], "example/"+name+":1,example/"+name+":latest 7"; got != want {
			t.Errorf("%s is exported as %q, want %q", place, got, want)
		}
		if r := results[i]; r.Target != name || r.Digest != answer[exptypes.ExporterImageDigestKey] || r.Where[0] != "in "+place {
			t.Errorf("%+v", r)
		}
	}
	if w := results[1].Where; len(w) != 2 || !strings.HasPrefix(w[1], "in the engine's cache") {
		t.Errorf("the second is %q", w)
	}
}

// In a Docker Engine an image goes into its store.
func TestBuildInDocker(t *testing.T) {
	t.Parallel()
	e := &solvetest.Engine{Answer: answer}
	results, err := built(t, e, Settings{InDocker: true}, order(t, "one", "type=image"))
	if err != nil || e.Options()[0].Exports[0].Type != "moby" || results[0].Where[0] != "in Docker: docker run --rm -it example/one:1" {
		t.Errorf("%+v, %v", results, err)
	}
}

// A failed image leaves nothing, and the others as they are.
func TestBuildFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := order(t, "broken", "type=tar,dest="+dir+"/broken.tar")
	testkit.Write(t, filepath.Join(dir, "broken.tar.partial"), "half")
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
