package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/medbuild/medbuild/internal/image"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages"
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
func (g *Ground) Base(s stages.BaseSettings) (stages.Base, error) {
	b, err := g.root(s)
	if err != nil {
		return b, fmt.Errorf("%s: base %s: %w", s.At, s.Name, err)
	}
	b.Name, b.Reference = s.Name, s.Reference()
	return b, nil
}

func (g *Ground) root(s stages.BaseSettings) (stages.Base, error) {
	if err := s.Usable(g.AllowUnpinned); err != nil {
		return stages.Base{}, err
	}
	switch {
	case s.Tar != "":
		return g.tar(s)
	case s.OCI != "":
		return g.layout(s)
	}
	_, dgst, _ := strings.Cut(s.Image, "@")
	return stages.Base{Root: llb.Image(s.Image), Facts: stages.Facts{Digest: dgst}}, nil
}

// path is a path of the file, which is relative to the file.
func (g *Ground) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(g.dir, p)
}

func (g *Ground) tar(s stages.BaseSettings) (stages.Base, error) {
	// The session serves a link as a link, and the engine would unpack nothing.
	path, err := filepath.EvalSymlinks(g.path(s.Tar))
	if errors.Is(err, os.ErrNotExist) {
		return stages.Base{}, fmt.Errorf("%[1]s does not exist\nhint: make it, as in mmdebstrap --variant=apt trixie %[1]s, or name another tar", g.path(s.Tar))
	}
	if err != nil {
		return stages.Base{}, err
	}
	dgst, err := fileDigest(path, g.cache)
	if err != nil {
		return stages.Base{}, err
	}
	dir, err := fsutil.NewFS(filepath.Dir(path))
	if err != nil {
		return stages.Base{}, err
	}
	local := "base-" + s.Name
	g.Dirs[local] = dir
	facts := stages.Facts{Digest: dgst.String(), Layers: 1}
	return stages.Base{Root: llb.Tar(local, filepath.Base(path), dgst), Facts: facts}, nil
}

func (g *Ground) layout(s stages.BaseSettings) (stages.Base, error) {
	path := g.path(s.OCI)
	dgst, err := layoutDigest(path)
	if err != nil {
		return stages.Base{}, fmt.Errorf("%w\nhint: a layout with one image is needed, as skopeo copy writes it", err)
	}
	store, err := contentlocal.NewStore(path)
	if err != nil {
		return stages.Base{}, err
	}
	name := "base-" + s.Name
	g.Stores[name] = store
	return stages.Base{Root: llb.OCILayout(name, dgst), Facts: stages.Facts{Digest: dgst.String()}}, nil
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
func (g *Ground) facts(ctx context.Context, b stages.Base, ask func(context.Context, stages.Base) (stages.Facts, error)) (stages.Base, error) {
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

func (g *Ground) kept(dgst string) (stages.Facts, bool) {
	var f stages.Facts
	if digest.Digest(dgst).Validate() != nil {
		return f, false
	}
	data, err := os.ReadFile(g.file(dgst))
	if g.cache == "" || err != nil || json.Unmarshal(data, &f) != nil {
		return f, false
	}
	return f, f.Digest == dgst
}

func (g *Ground) keep(f stages.Facts) error {
	if g.cache == "" {
		return nil
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return WriteFile(g.file(f.Digest), data)
}

func (g *Ground) file(dgst string) string {
	return filepath.Join(g.cache, "bases", stages.ProbeVersion+"-"+digest.Digest(dgst).Encoded()+".json")
}
