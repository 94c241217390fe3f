package assemble

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/llb/llbtest"
	"github.com/medbuild/medbuild/stages"
	"github.com/medbuild/medbuild/stages/stage"
	"github.com/medbuild/medbuild/stages/stage/stagetest"
)

// bashrc adds to a file of the base.
func bashrc() *stages.Files {
	return testkit.With(newFiles(), func(f *stages.Files) {
		f.Files = append(f.Files, stages.Entry{From: stage.File{Path: "bashrc", Content: []byte("mine\n")}, To: "/root/.bashrc", Add: true})
	})
}

// TestAppendKeepsTheBasesLines: what a component adds to a file of the base stands
// behind the base's own lines, whatever other layers are there.
func TestAppendKeepsTheBasesLines(t *testing.T) {
	t.Parallel()
	img := assembled(t, newTarget("t", stagetest.Trixie(), bashrc(), quickANTs()))
	var kinds []LayerKind
	for _, l := range img.Layers {
		kinds = append(kinds, l.Kind)
	}
	if want := []LayerKind{BaseLayer, PackageLayer, AppendLayer, ComponentLayer, ComponentLayer, ManifestLayer, FolderLayer}; !slices.Equal(kinds, want) {
		t.Errorf("layers %q, want %q", kinds, want)
	}
	g := llbtest.Read(t, llbtest.End{Name: "image", State: img.State}, llbtest.End{Name: "tested", State: img.Parts[0].Tested})
	if from := g.Find("[t] merge layers").From; from[0] != "[t] add to files of the base:/" {
		t.Errorf("the image is made of %q", from)
	}
	if g.Find("[scripts] add to files of the base") == nil {
		t.Error("the component is tested without what it adds")
	}
	if slices.Contains(img.Parts[0].Holds(), "/root/.bashrc") {
		t.Error("the component's layer has a file in the place of the base's")
	}
}

func TestAppendScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	added := filepath.Join(dir, "added")
	testkit.Write(t, added, "mine\n")
	run := func(to string) (string, error) {
		script := llb.Fill(appendScript, llb.Values{"EPOCH": "946684800"}, nil) + "append " + to + " " + added + "\n"
		out, err := exec.Command("/bin/sh", "-eu", "-c", script).CombinedOutput()
		return string(out), err
	}
	for had, want := range map[string]string{"": "mine\n", "base\n": "base\nmine\n", "no end": "no end\nmine\n"} {
		file := filepath.Join(dir, "bashrc")
		testkit.Write(t, file, had)
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
		out, err := run(file)
		got, _ := os.ReadFile(file)
		info, _ := os.Stat(file)
		if err != nil || string(got) != want || info.ModTime().Unix() != 946684800 || info.Mode() != 0o640 {
			t.Errorf("%q: %q, %v, want %q (%v, %s)", had, got, info.Mode(), want, err, out)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run(filepath.Join(dir, "none")); err == nil || !strings.Contains(out, "the base has no file ") {
		t.Errorf("%v, %q", err, out)
	}
}
