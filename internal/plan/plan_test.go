package plan_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/plan"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
	bk "github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const digits = "00000000000000000000000000000000000000000000000000000000000000aa"

func debian(layers int) stage.Base {
	reference := "registry.example/debian@sha256:" + digits
	return stage.Base{Name: "debian", Reference: reference, Root: llb.Image(reference), Facts: stage.Facts{
		Digest: "sha256:" + digits, Distribution: "debian", Release: "13", Layers: layers,
		Mirror: "http://mirror.example/debian/",
	}}
}

func mrtrix3() stage.Tool {
	return &stages.MRtrix3{
		Common: stage.Common{Name: "mrtrix3", Stage: "mrtrix3", Version: "3.0.8", Prefix: "/opt/mrtrix3",
			At: problem.Position{File: "components.toml", Line: 4, Col: 1}},
		Source: stage.Source{URL: "https://example.org/mrtrix3.tar.gz", SHA256: digits},
	}
}

func ants() stage.Tool {
	return &stages.ANTs{Common: stage.Common{Name: "ants", Stage: "ants", Version: "2.5.4"}, Distribution: true}
}

func assembled(t *testing.T, name string, base stage.Base, tools ...stage.Tool) assemble.Image {
	t.Helper()
	target := assemble.Target{Name: name, Run: base}
	for _, tool := range tools {
		target.Members = append(target.Members, assemble.Place(tool, base, nil))
	}
	img, err := target.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func planned(t *testing.T, images ...assemble.Image) *plan.Plan {
	t.Helper()
	p := &plan.Plan{}
	for _, img := range images {
		def, err := img.State.Marshal(t.Context(), bk.Platform(ocispecs.Platform{OS: "linux", Architecture: "amd64"}))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Add(img, def); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// Every step's inputs are steps of the plan and stand before it, as programs
// that walk the list rely on.
func TestStepsComeAfterTheirInputs(t *testing.T) {
	t.Parallel()
	p := planned(t, assembled(t, "production", debian(3), mrtrix3(), ants()), assembled(t, "ants", debian(3), ants()))
	seen := map[string]bool{}
	for _, s := range p.Steps {
		for _, in := range s.Inputs {
			if !seen[in] {
				t.Errorf("%s comes before its input %s", s.Name, in)
			}
		}
		if seen[s.Digest] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Digest] = true
	}
	for _, target := range p.Targets {
		if len(target.Steps) == 0 || target.Result != target.Steps[len(target.Steps)-1] {
			t.Errorf("%s: result %s of %d steps", target.Name, target.Result, len(target.Steps))
		}
		for _, d := range target.Steps {
			if !seen[d] {
				t.Errorf("%s: step %s is not in the plan", target.Name, d)
			}
		}
	}
}

// A component's steps are its own, helpers included, in the order they run.
func TestComponentSteps(t *testing.T) {
	t.Parallel()
	p := planned(t, assembled(t, "production", debian(3), mrtrix3(), ants()))
	names := map[string]string{}
	for _, s := range p.Steps {
		names[s.Digest] = s.Name
		if s.Component == "" {
			t.Errorf("%s belongs to nobody", s.Name)
		}
	}
	var got []string
	for _, d := range p.Targets[0].Components[0].Steps {
		got = append(got, names[d])
	}
	last := -1
	for _, want := range []string{"[mrtrix3] fetch mrtrix3.tar.gz", "[mrtrix3] compile", "[mrtrix3] layer", "[mrtrix3] test"} {
		at := slices.Index(got, want)
		if at <= last {
			t.Errorf("%q is at %d of %q, after %d expected", want, at, got, last)
		}
		last = at
	}
	if !slices.ContainsFunc(got, func(n string) bool { return strings.HasSuffix(n, "prefix /opt/mrtrix3") }) {
		t.Errorf("the helper of mrtrix3's prefix is not among its steps: %q", got)
	}
}

// The steps know the line of the stage that made them.
func TestStepSource(t *testing.T) {
	t.Parallel()
	p := planned(t, assembled(t, "production", debian(3), mrtrix3()))
	for _, s := range p.Steps {
		if s.Name == "[mrtrix3] compile" && strings.HasPrefix(s.Source, "stages/mrtrix3.go:") {
			return
		}
	}
	t.Error("no step [mrtrix3] compile made in stages/mrtrix3.go")
}

// The plan counts the layers as the assembly does.
func TestLayers(t *testing.T) {
	t.Parallel()
	for name, tools := range map[string][]stage.Tool{
		"both": {mrtrix3(), ants()}, "layer": {mrtrix3()}, "packages": {ants()}, "none": {},
	} {
		img := assembled(t, name, debian(3), tools...)
		l := planned(t, img).Targets[0].Layers
		if l.Total != img.LayerCount() || !l.Exact {
			t.Errorf("%s: %d layers (exact: %v), the image has %d", name, l.Total, l.Exact, img.LayerCount())
		}
	}
}

func TestLayerWarning(t *testing.T) {
	t.Parallel()
	for layers, warns := range map[int]bool{1: false, 45: false, 46: true} { // packages, mrtrix3, manifest, parents
		l := planned(t, assembled(t, "production", debian(layers), mrtrix3())).Targets[0].Layers
		if (l.Warning() != nil) != warns {
			t.Errorf("%d layers with the base's: warning %v", l.Total, l.Warning())
		}
	}
	l := planned(t, assembled(t, "production", debian(0), mrtrix3())).Targets[0].Layers
	if l.Exact || l.From[0].Count != nil || l.Total != 4 {
		t.Errorf("base nobody counted: exact %v, count %v, total %d", l.Exact, l.From[0].Count, l.Total)
	}
}

func writers(p *plan.Plan) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{"text": p.Text, "json": p.JSON, "dot": p.DOT, "mermaid": p.Mermaid}
}

// What is written is the same each time, also when all is made anew.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	first := map[string]string{}
	for range 25 {
		p := planned(t, assembled(t, "production", debian(3), mrtrix3(), ants()), assembled(t, "mrtrix3", debian(3), mrtrix3()))
		for format, write := range writers(p) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if first[format] == "" {
				first[format] = b.String()
			}
			if b.String() != first[format] {
				t.Fatalf("%s differs:\n%s\nwas\n%s", format, b.String(), first[format])
			}
		}
	}
}

// No list of the JSON is null: programs can count what is not there.
func TestJSONHasNoNullLists(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := planned(t, assembled(t, "bare", debian(1))).JSON(&b); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b.Bytes()) || strings.Contains(b.String(), "null") {
		t.Errorf("JSON with null:\n%s", b.String())
	}
}

// Pictures keep every step and edge, and what a name holds does not end its
// label.
func TestPictures(t *testing.T) {
	t.Parallel()
	base := debian(1)
	base.Root = llb.Image(base.Reference).File(bk.Mkfile("/x", 0o644, nil), bk.WithCustomName(`"a" <b> \c #d`))
	p := planned(t, assembled(t, "production", base, mrtrix3()))
	edges := 0
	for _, s := range p.Steps {
		edges += len(s.Inputs)
	}
	for format, want := range map[string]struct{ edge, node, label string }{
		"dot":     {" -> ", " [label=", `label="\"a\" <b> \\c #d"`},
		"mermaid": {" --> ", `["`, `["#quot;a#quot; #lt;b#gt; \c #35;d"]`},
	} {
		var b strings.Builder
		if err := writers(p)[format](&b); err != nil {
			t.Fatal(err)
		}
		nodes := strings.Count(b.String(), want.node) - strings.Count(b.String(), "subgraph g")
		if got := strings.Count(b.String(), want.edge); got != edges || nodes != len(p.Steps) {
			t.Errorf("%s: %d edges and %d nodes, want %d and %d", format, got, nodes, edges, len(p.Steps))
		}
		if !strings.Contains(b.String(), want.label) {
			t.Errorf("%s lacks %s", format, want.label)
		}
	}
}

func TestBrokenDefinition(t *testing.T) {
	t.Parallel()
	img := assembled(t, "production", debian(1), ants())
	for name, def := range map[string]*bk.Definition{"empty": {}, "garbage": {Def: [][]byte{{0xff, 0xff}}}} {
		if err := (&plan.Plan{}).Add(img, def); err == nil || !strings.HasPrefix(err.Error(), "plan production: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
