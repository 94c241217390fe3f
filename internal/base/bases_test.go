package base

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
	digest "github.com/opencontainers/go-digest"
)

// oracle is an engine that knows one answer, or fails. It counts questions.
type oracle struct {
	answer Answer
	err    error
	asked  []Question
}

func (o *oracle) Ask(_ context.Context, q Question) (Answer, error) {
	o.asked = append(o.asked, q)
	return o.answer, o.err
}

const probed = "distribution=debian\nrelease=13\nlibc=2.41\n"

// threeLayers is the configuration of an image.
const threeLayers = `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:a","sha256:b","sha256:c"]}}`

func imageAnswer() Answer {
	return Answer{Digest: digest.FromString("now"), Config: []byte(threeLayers), File: []byte(probed)}
}

var pinned = stage.BaseSettings{Name: "noble", Image: "registry.example/noble@sha256:" + testkit.SHA256}

func learn(t *testing.T, b *Bases, e Engine, s stage.BaseSettings) stage.Base {
	t.Helper()
	on, err := b.Learn(t.Context(), e, s)
	if err != nil {
		t.Fatal(err)
	}
	return on
}

// definition tells states apart.
func definition(t *testing.T, s llb.State) string {
	t.Helper()
	def, err := s.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(def.Def[len(def.Def)-1])
}

func TestLearnAsksOnce(t *testing.T) {
	t.Parallel()
	b, e := New(t.TempDir(), t.TempDir()), &oracle{answer: imageAnswer()}
	if _, known, err := b.Known(pinned); known || err != nil {
		t.Errorf("known before anybody asked: %v, %v", known, err)
	}
	on := learn(t, b, e, pinned)
	if on.ID() != "debian-13" || on.Layers != 3 || on.Env[0] != "PATH=/bin" || on.Name != "noble" || on.Digest != "sha256:"+testkit.SHA256 {
		t.Errorf("learned %+v", on)
	}
	again := learn(t, b, e, pinned)
	kept, known, err := b.Known(pinned)
	if err != nil || !known || kept.Layers != 3 || again.Libc != "2.41" || kept.Libc != "2.41" || len(e.asked) != 1 {
		t.Errorf("asked %d times; kept %+v, %v, %v", len(e.asked), kept, known, err)
	}
}

// A plan counts layers from what is kept: a base that is made one layer has one.
func TestKnownMakesOneLayer(t *testing.T) {
	t.Parallel()
	b, e := New(t.TempDir(), t.TempDir()), &oracle{answer: imageAnswer()}
	s := pinned
	s.Flatten = true
	learned := learn(t, b, e, s)
	kept, known, err := b.Known(s)
	if err != nil || !known {
		t.Fatal(known, err)
	}
	if learned.Layers != 1 || kept.Layers != 1 {
		t.Errorf("layers: %d learned, %d kept, want 1", learned.Layers, kept.Layers)
	}
	if definition(t, learned.Root) != definition(t, kept.Root) || definition(t, kept.Root) == definition(t, llb.Image(pinned.Image)) {
		t.Error("the kept base is not the flattened one")
	}
	if plain, _, _ := b.Known(pinned); plain.Layers != 3 {
		t.Errorf("the base as it came has %d layers, want 3", plain.Layers)
	}
}

func TestLearnPinsWhatItsNameIsNow(t *testing.T) {
	t.Parallel()
	b, e := New(t.TempDir(), ""), &oracle{answer: imageAnswer()}
	s := stage.BaseSettings{Name: "noble", Image: "registry.example/noble:24.04"}
	if _, err := b.Learn(t.Context(), e, s); err == nil || len(e.asked) > 0 {
		t.Errorf("an image without a digest was taken: %v", err)
	}
	b.AllowUnpinned = true
	on := learn(t, b, e, s)
	if on.Digest != digest.FromString("now").String() || !strings.HasSuffix(on.Reference, "noble:24.04@"+on.Digest) {
		t.Errorf("pinned as %s, %s", on.Digest, on.Reference)
	}
	if e.asked[0].State != nil || e.asked[0].Image != s.Image || len(e.asked) != 2 {
		t.Errorf("asked %+v", e.asked)
	}
}

func TestLearnTellsWhatFailed(t *testing.T) {
	t.Parallel()
	b, failed := New(t.TempDir(), t.TempDir()), errors.New("no engine")
	for _, s := range []stage.BaseSettings{pinned, {Name: "b", Image: "image:tag"}} {
		b.AllowUnpinned = true
		if _, err := b.Learn(t.Context(), &oracle{err: failed}, s); !errors.Is(err, failed) {
			t.Errorf("%s: %v", s.Image, err)
		}
	}
	broken := imageAnswer()
	broken.Config = []byte("{")
	at := pinned
	at.At = problem.Position{File: "components.toml", Line: 3, Col: 1}
	_, err := b.Learn(t.Context(), &oracle{answer: broken}, at)
	testkit.WantText(t, err, "components.toml:3:1: base noble: read the image configuration")
	if _, known, _ := b.Known(at); known {
		t.Error("facts that were not read are kept")
	}
}

func TestTar(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := stage.BaseSettings{Name: "trixie", Tar: "link.tar"}
	b, e := New(dir, t.TempDir()), &oracle{answer: Answer{File: []byte(probed)}}
	_, _, err := b.Known(s)
	testkit.WantText(t, err, "base trixie: "+filepath.Join(dir, "link.tar")+" does not exist", "hint: make it, as in mmdebstrap")
	write(t, filepath.Join(dir, "sub", "real.tar"), "one")
	if err := os.Symlink("sub/real.tar", filepath.Join(dir, "link.tar")); err != nil {
		t.Fatal(err)
	}
	on := learn(t, b, e, s)
	if on.Digest != digest.FromString("one").String() || on.Layers != 1 || e.asked[0].Image != "" || b.Files.Dirs["base-trixie"] == nil {
		t.Errorf("learned %+v from %+v", on, e.asked)
	}
	write(t, filepath.Join(dir, "sub", "real.tar"), "another")
	if changed := learn(t, b, e, s); changed.Digest != digest.FromString("another").String() || len(e.asked) != 2 {
		t.Errorf("after a change: %s, asked %d times", changed.Digest, len(e.asked))
	}
}

// A digest is not taken again while size and time of a file are the same.
func TestContentIsKept(t *testing.T) {
	t.Parallel()
	path, cache := filepath.Join(t.TempDir(), "x.tar"), t.TempDir()
	write(t, path, "one")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	first, err := contentOf(path, cache)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "two")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if again, err := contentOf(path, cache); err != nil || again != first {
		t.Errorf("%v, %v", again, err)
	}
	if fresh, err := contentOf(path, ""); err != nil || fresh.Digest != digest.FromString("two") {
		t.Errorf("without a cache: %v, %v", fresh, err)
	}
	if _, err := contentOf(path+".absent", cache); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// What is kept is read again where it is no longer what was written.
func TestBrokenCacheIsNoAnswer(t *testing.T) {
	t.Parallel()
	path, cache := filepath.Join(t.TempDir(), "x.tar"), t.TempDir()
	write(t, path, "one")
	if _, err := contentOf(path, cache); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(cache, "tars", "*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	write(t, names[0], "{")
	if d, err := contentOf(path, cache); err != nil || d.Digest != digest.FromString("one") {
		t.Errorf("%v, %v", d, err)
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	b := New("/nowhere", "")
	_, _, err := b.Known(stage.BaseSettings{Name: "l", OCI: "layout"})
	testkit.WantText(t, err, "base l: ", "/nowhere/layout", "hint: a layout with one image is needed")
	dir := t.TempDir()
	const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`
	d := digest.FromString(manifest)
	write(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
	write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":`+
		"280"+`,"digest":"`+d.String()+`"}]}`)
	write(t, filepath.Join(dir, "blobs/sha256", d.Encoded()), manifest)
	e := &oracle{answer: imageAnswer()}
	on := learn(t, b, e, stage.BaseSettings{Name: "l", OCI: dir})
	if on.Digest != d.String() || e.asked[0].Layout != "base-l" || !strings.Contains(e.asked[0].Image, d.String()) || b.Files.Stores["base-l"] == nil {
		t.Errorf("learned %+v from %+v", on, e.asked)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A cache that cannot be written is none, and no error.
func TestUnwritableCache(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.tar")
	write(t, path, "one")
	if c, err := contentOf(path, filepath.Join(path, "cache")); err != nil || c.Digest != digest.FromString("one") {
		t.Errorf("%v, %v", c, err)
	}
	b := New(t.TempDir(), filepath.Join(path, "cache"))
	f := stage.Facts{Digest: digest.FromString("one").String()}
	b.keep(f)
	if _, kept := b.kept(f.Digest); kept {
		t.Error("facts are kept in a file's folder")
	}
}
