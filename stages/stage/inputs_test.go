package stage

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

// tabled is a tool with a source and files, some of them in tables.
type tabled struct {
	Common
	Source Source
	Lock   File
	Tables []struct{ From File }
	More   struct{ Source Source }
	hidden Source

	made []llb.Input
	err  error
}

func (s *tabled) Stage(Ground) (Stage, error) {
	return Stage{Common: s.Common, Licence: Licence{SPDX: "MIT"}, Inputs: s.made}, s.err
}

func newTabled() *tabled {
	return &tabled{Common: Common{Name: "tool", Version: "1.2"}, hidden: Source{URL: "https://files.example/hidden"}}
}

// TestMakeSaysWhatInputsAre: a source is the component itself, unless it says
// that it is something else.
func TestMakeSaysWhatInputsAre(t *testing.T) {
	t.Parallel()
	tool := newTabled()
	tool.made = []llb.Input{
		{Address: "https://files.example/tool.tar.gz"},
		{Address: "https://files.example/tool-1.3.tar.gz", Version: "1.3"},
		{Name: "zlib", Version: "1.3.1", Licence: "Zlib", Address: "https://conda.example/zlib.conda"},
		{Name: "miniforge", Address: "https://files.example/miniforge.sh"},
	}
	want := slices.Clone(tool.made)
	want[0].Name, want[0].Version, want[0].Licence = "tool", "1.2", "MIT"
	want[1].Name, want[1].Licence = "tool", "MIT"
	s, err := Make(tool, Ground{})
	if err != nil || !slices.Equal(s.Inputs, want) {
		t.Errorf("inputs %+v, want %+v (%v)", s.Inputs, want, err)
	}
	if tool.made[0].Name != "" {
		t.Error("what the tool has was written to")
	}
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	tool := newTabled()
	tool.made, tool.err = []llb.Input{{Address: "x"}}, errors.New("no")
	if s, err := Make(tool, Ground{}); !errors.Is(err, tool.err) || len(s.Inputs) > 0 {
		t.Errorf("made %+v, %v", s, err)
	}
}

// TestSources: sources are listed whatever is wrong with them, those in tables
// too.
func TestSources(t *testing.T) {
	t.Parallel()
	at := problem.Position{File: "components.toml", Line: 2, Col: 1}
	for _, tt := range []struct {
		source Source
		want   llb.Input
	}{
		{Source{URL: "https://files.example/a", At: at}, llb.Input{Kind: llb.Archive, Address: "https://files.example/a", At: at}},
		{Source{URL: "https://files.example/a", SHA256: testkit.SHA256}, llb.Input{Kind: llb.Archive, Address: "https://files.example/a", Pin: "sha256:" + testkit.SHA256}},
		{Source{Debian: "pool/a", SHA256: "short"}, llb.Input{Kind: llb.Archive, Address: "debian:pool/a", Pin: "sha256:short"}},
		{Source{Git: "https://git.example/a", Commit: testkit.Commit}, llb.Input{Kind: llb.Git, Address: "https://git.example/a", Pin: testkit.Commit}},
		{Source{Image: "a@sha256:x", Path: "/a"}, llb.Input{Kind: llb.Files, Address: "a@sha256:x", Pin: "sha256:x"}},
		{Source{Image: "a"}, llb.Input{Kind: llb.Files, Address: "a"}},
	} {
		tool := newTabled()
		tool.More.Source = tt.source
		tt.want.Name, tt.want.Version = "tool", "1.2"
		if got := Sources(tool); !slices.Equal(got, []llb.Input{tt.want}) {
			t.Errorf("%+v is listed as %+v, want %+v", tt.source, got, tt.want)
		}
	}
	if got := Sources(newTabled()); len(got) > 0 {
		t.Errorf("nothing is stated, listed is %+v", got)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	tool := newTabled()
	tool.Lock = File{Path: "locks/a.tsv"}
	tool.Tables = []struct{ From File }{{}, {File{Path: "b", Content: []byte("b")}}}
	const empty, b = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
	want := []llb.Input{{Name: "a.tsv", Kind: llb.Own, Address: "locks/a.tsv", Pin: empty}, {Name: "b", Kind: llb.Own, Address: "b", Pin: b}}
	if got := Files(tool); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// stated is a tool of which the questions are given.
type stated struct {
	Common
	asked []Question
}

func (s *stated) Stage(Ground) (Stage, error) {
	return Stage{Common: s.Common, Questions: s.asked}, nil
}

// TestStatedVersions: what the manifest has of a component that nothing is asked
// of, and of a release whose program answers another number.
func TestStatedVersions(t *testing.T) {
	t.Parallel()
	asked := []Question{{Key: "X_VERSION", Section: Software, Want: "1.2", Command: "echo 1.1.9", Pattern: "(.+)"},
		{Key: "NUMPY_VERSION", Section: Packages, Want: "1.2", Command: "echo 1.2", Pattern: "(.+)"}}
	for want, tool := range map[string]*stated{
		"SOME_TOOL_VERSION=1.2":               {Common: Common{Name: "some-tool", Version: "1.2"}},
		"X_VERSION=1.2 and NUMPY_VERSION=1.2": {Common: Common{Name: "some-tool", Version: "1.2", Answer: "1.1.9"}, asked: asked},
		"":                                    {Common: Common{Name: "some-tool", Version: "1.2"}, asked: asked},
	} {
		s, err := Make(tool, Ground{})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		script := Prepare(dir+"/answers", dir+"/outcomes", dir+"/said") + "mkdir $out\n" + TestScript
		for _, q := range s.Questions {
			script += q.Call()
		}
		_, failed := exec.Command("/bin/sh", "-euc", script).CombinedOutput()
		if (failed != nil) != (want == "") {
			t.Errorf("%q: %v", want, failed)
		}
		if failed != nil {
			continue
		}
		lines, _ := os.ReadFile(dir + "/answers/" + Software.File())
		more, _ := os.ReadFile(dir + "/answers/" + Packages.File())
		if got := strings.Join(strings.Fields(string(lines)+string(more)), " and "); got != want {
			t.Errorf("manifest has %q, want %q", got, want)
		}
	}
}
