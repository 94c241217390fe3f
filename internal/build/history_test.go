package build

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
	"github.com/moby/buildkit/client"
	image "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func members(tools ...stage.Tool) []assemble.Member {
	var out []assemble.Member
	for _, tool := range tools {
		out = append(out, assemble.Member{Tool: tool, Build: stagetest.Trixie()})
	}
	return out
}

// layered are images with every kind of layer, and with as few as there can be.
func layered(t *testing.T) map[string]assemble.Image {
	t.Helper()
	on := func(tools ...stage.Tool) assemble.Target {
		return assemble.Target{Name: "t", Run: stagetest.Trixie(), Members: members(tools...)}
	}
	ants := &stages.ANTs{Common: stage.Common{Name: "ants", Stage: "ants", Version: "2.5.4"}, Distribution: true}
	files := &stages.Files{Common: stage.Common{Name: "scripts", Stage: "files", Version: "1.2.3", Prefix: "/opt/scripts"},
		Generic: stage.Generic{Licence: "LicenseRef-Own"}, Files: []stages.Entry{{To: "share/"}}}
	all := on(ants, files)
	all.Accounts = stage.Accounts{Add: []stage.Account{{Name: "scu", UID: 8004}}}
	out := map[string]assemble.Image{}
	for name, target := range map[string]assemble.Target{"nothing": on(), "packages": on(ants), "files": on(files), "accounts": all} {
		img, err := target.Assemble()
		if err != nil {
			t.Fatal(err)
		}
		out[name] = img
	}
	return out
}

// An image's configuration has as many lines of history as the image has layers:
// BuildKit fills in its own where one is missing, and scanners count them.
func TestHistoryHasALineForEachLayer(t *testing.T) {
	t.Parallel()
	for name, img := range layered(t) {
		for _, config := range []string{`{}`, `{"history":[{"created_by":"the base's own"},{"created_by":"ENV","empty_layer":true}]}`} {
			got := history(t, config, img)
			if layersOf(got) != img.LayerCount() {
				t.Errorf("%s with %s: %d lines of history, %d layers", name, config, layersOf(got), img.LayerCount())
			}
		}
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	var got []string
	for _, h := range history(t, `{}`, layered(t)["accounts"]) {
		got = append(got, h.CreatedBy)
	}
	want := []string{"base trixie.tar", "runtime packages", "accounts", "scripts 1.2.3", "version manifest", "folders above the components"}
	if !slices.Equal(got, want) {
		t.Errorf("history is %q, want %q", got, want)
	}
}

func history(t *testing.T, config string, img assemble.Image) []ocispecs.History {
	t.Helper()
	data, err := withHistory([]byte(config), img, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var c image.DockerOCIImage
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c.History
}

// The summary has a row for each layer, in their order, and gives each the size
// of its own.
func TestSummaryHasTheSizeOfEachLayer(t *testing.T) {
	t.Parallel()
	rows := rows(solve.NewRecord(), layered(t)["accounts"])
	assign(rows, []ocispecs.Descriptor{{Size: 900}, {Size: 100}, {Size: 2}, {Size: 3}, {Size: 4}, {Size: 5}, {Size: 6}})
	var parts []string
	var sizes []int64
	for _, r := range rows {
		parts, sizes = append(parts, r.Part), append(sizes, r.Size)
	}
	if want := []string{"base", "packages", "accounts", "ants", "scripts", "manifest", "folders"}; !slices.Equal(parts, want) {
		t.Errorf("parts %q, want %q", parts, want)
	}
	if want := []int64{1000, 2, 3, 0, 4, 5, 6}; !slices.Equal(sizes, want) {
		t.Errorf("sizes %d, want %d", sizes, want)
	}
}

// What a component and the target share, as the only component's packages are,
// is told of the packages alone.
func TestSummaryTellsPackagesOnce(t *testing.T) {
	t.Parallel()
	target := assemble.Target{Name: "ants", Run: stagetest.Trixie(),
		Members: members(&stages.ANTs{Common: stage.Common{Name: "ants", Stage: "ants", Version: "2.5.4"}, Distribution: true})}
	img, err := target.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	record := solve.NewRecord()
	from, to := time.Unix(1, 0), time.Unix(8, 0)
	for _, s := range []assemble.Layer{img.Layers[1], {State: img.Parts[0].Tested}} {
		def, err := solve.Definition(t.Context(), s.State, "linux/amd64")
		if err != nil {
			t.Fatal(err)
		}
		record.Expect(def)
		for d, meta := range def.Metadata {
			if llb.OperationOf(meta.Description).Action == "runtime packages" {
				record.Add(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: d, Started: &from, Completed: &to}}})
			}
		}
	}
	rows := rows(record, img)
	if rows[1].Time != 7*time.Second || rows[2].Time != 0 {
		t.Errorf("%s took %v, %s %v", rows[1].Part, rows[1].Time, rows[2].Part, rows[2].Time)
	}
}
