package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/medbuild/medbuild/internal/files"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/medbuild/medbuild/internal/image"
	"github.com/medbuild/medbuild/llb"
	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
)

// Ground is the bases of a build: their root file systems as states, and the
// files and stores the session must serve for them.
type Ground struct {
	Dirs   map[string]fsutil.FS     // local folders by name
	Stores map[string]content.Store // OCI layouts by name

	AllowUnpinned bool // take images without a digest

	dir   string // relative paths of bases start here
	cache string // facts of bases are kept here
}

// NewGround is a Ground for bases stated in a file in dir. Facts are kept in
// the folder cache; "" keeps none.
func NewGround(dir, cache string) *Ground {
	return &Ground{Dirs: map[string]fsutil.FS{}, Stores: map[string]content.Store{}, dir: dir, cache: cache}
}

// Base is the base of the settings without what must be asked of it: its root
// file system and its digest.
func (g *Ground) Base(s stage.BaseSettings) (stage.Base, error) {
	b, err := g.root(s)
	if err != nil {
		return b, fmt.Errorf("%s: base %s: %w", s.At, s.Name, err)
	}
	b.Name, b.Reference = s.Name, s.Reference()
	return b, nil
}

func (g *Ground) root(s stage.BaseSettings) (stage.Base, error) {
	if err := s.Usable(g.AllowUnpinned); err != nil {
		return stage.Base{}, err
	}
	switch {
	case s.Tar != "":
		return g.tar(s)
	case s.OCI != "":
		return g.layout(s)
	}
	_, dgst, _ := strings.Cut(s.Image, "@")
	return stage.Base{Root: llb.Image(s.Image), Facts: stage.Facts{Digest: dgst}}, nil
}

// path is a path of the file, which is relative to the file.
func (g *Ground) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(g.dir, p)
}

func (g *Ground) tar(s stage.BaseSettings) (stage.Base, error) {
	// The session serves a link as a link, and the engine would unpack nothing.
	path, err := filepath.EvalSymlinks(g.path(s.Tar))
	if errors.Is(err, os.ErrNotExist) {
		return stage.Base{}, fmt.Errorf("%[1]s does not exist\nhint: make it, as in mmdebstrap --variant=apt trixie %[1]s, or name another tar", g.path(s.Tar))
	}
	if err != nil {
		return stage.Base{}, err
	}
	dgst, err := fileDigest(path, g.cache)
	if err != nil {
		return stage.Base{}, err
	}
	dir, err := fsutil.NewFS(filepath.Dir(path))
	if err != nil {
		return stage.Base{}, err
	}
	local := "base-" + s.Name
	g.Dirs[local] = dir
	facts := stage.Facts{Digest: dgst.String(), Layers: 1}
	return stage.Base{Root: llb.Tar(local, filepath.Base(path), dgst), Facts: facts}, nil
}

func (g *Ground) layout(s stage.BaseSettings) (stage.Base, error) {
	path := g.path(s.OCI)
	dgst, err := layoutDigest(path)
	if err != nil {
		return stage.Base{}, fmt.Errorf("%w\nhint: a layout with one image is needed, as skopeo copy writes it", err)
	}
	store, err := contentlocal.NewStore(path)
	if err != nil {
		return stage.Base{}, err
	}
	name := "base-" + s.Name
	g.Stores[name] = store
	return stage.Base{Root: llb.OCILayout(name, dgst), Facts: stage.Facts{Digest: dgst.String()}}, nil
}

// layoutDigest is the digest of the one image in a layout.
func layoutDigest(path string) (digest.Digest, error) {
	img, err := image.OpenLayout(path)
	if err != nil {
		return "", err
	}
	d, err := img.Digest()
	return digest.Digest(d.String()), err
}

// facts completes b with what is kept of earlier builds or, where nothing is,
// with what ask finds out.
func (g *Ground) facts(ctx context.Context, b stage.Base, ask func(context.Context, stage.Base) (stage.Facts, error)) (stage.Base, error) {
	if f, ok := g.kept(b.Digest); ok {
		b.Facts = f
		return b, nil
	}
	f, err := ask(ctx, b)
	if errors.As(err, new(*StepError)) {
		return b, err // says all by itself
	}
	if err != nil {
		return b, fmt.Errorf("look at base %s: %w", b.Name, err)
	}
	b.Facts = f
	return b, g.keep(f)
}

func (g *Ground) kept(dgst string) (stage.Facts, bool) {
	var f stage.Facts
	if digest.Digest(dgst).Validate() != nil {
		return f, false
	}
	data, err := os.ReadFile(g.file(dgst))
	if g.cache == "" || err != nil || json.Unmarshal(data, &f) != nil {
		return f, false
	}
	return f, f.Digest == dgst
}

func (g *Ground) keep(f stage.Facts) error {
	if g.cache == "" {
		return nil
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return files.Write(g.file(f.Digest), data)
}

func (g *Ground) file(dgst string) string {
	return filepath.Join(g.cache, "bases", base.ProbeVersion+"-"+digest.Digest(dgst).Encoded()+".json")
}
