// Package base is the facts of bases, through one door: what earlier runs have
// kept, and what an engine is asked once per digest.
package base

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/medbuild/medbuild/internal/image"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
)

// Bases are the bases that one file states.
type Bases struct {
	AllowUnpinned bool   // take images without a digest
	Files         *Files // of those that were asked for

	dir   string // relative paths of bases start here
	cache string // facts of bases are kept here
}

// Files are what a session must serve for bases that come from this machine.
type Files struct {
	Dirs   map[string]fsutil.FS     // folders by name
	Stores map[string]content.Store // OCI layouts by name
}

// New is the bases stated in a file in dir. Facts are kept in the folder cache;
// "" keeps none.
func New(dir, cache string) *Bases {
	return &Bases{Files: &Files{map[string]fsutil.FS{}, map[string]content.Store{}}, dir: dir, cache: cache}
}

// root is a base without what must be asked of it: its root file system and its
// digest.
func (b *Bases) root(s stage.BaseSettings) (stage.Base, error) {
	on, err := b.open(s)
	if err != nil {
		return on, problem.At(s.At, subject(s), err)
	}
	on.Name, on.Reference = s.Name, s.Reference()
	return on, nil
}

func (b *Bases) open(s stage.BaseSettings) (stage.Base, error) {
	if err := s.Usable(b.AllowUnpinned); err != nil {
		return stage.Base{}, err
	}
	switch {
	case s.Tar != "":
		return b.tar(s)
	case s.OCI != "":
		return b.layout(s)
	}
	_, dgst, _ := strings.Cut(s.Image, "@")
	return stage.Base{Root: llb.Image(s.Image), Facts: stage.Facts{Digest: dgst}}, nil
}

// path is a path of the file, which is relative to the file.
func (b *Bases) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(b.dir, p)
}

func (b *Bases) tar(s stage.BaseSettings) (stage.Base, error) {
	// The session serves a link as a link, and the engine would unpack nothing.
	path, err := filepath.EvalSymlinks(b.path(s.Tar))
	if errors.Is(err, os.ErrNotExist) {
		return stage.Base{}, problem.Failedf("%s does not exist", b.path(s.Tar)).
			Hint("make it, as in mmdebstrap --variant=apt trixie %s, or name another tar", b.path(s.Tar))
	}
	if err != nil {
		return stage.Base{}, err
	}
	c, err := contentOf(path, b.cache)
	if err != nil {
		return stage.Base{}, err
	}
	if b.Files.Dirs[served(s)], err = c.folder(path); err != nil {
		return stage.Base{}, err
	}
	facts := stage.Facts{Digest: c.Digest.String(), Layers: 1}
	return stage.Base{Root: llb.Tar(served(s), filepath.Base(path), c.Digest), Facts: facts}, nil
}

func (b *Bases) layout(s stage.BaseSettings) (stage.Base, error) {
	path := b.path(s.OCI)
	dgst, err := layoutDigest(path)
	if err != nil {
		return stage.Base{}, problem.Hinted(err, "a layout with one image is needed, as skopeo copy writes it")
	}
	store, err := contentlocal.NewStore(path)
	if err != nil {
		return stage.Base{}, err
	}
	b.Files.Stores[served(s)] = store
	return stage.Base{Root: llb.OCILayout(served(s), dgst), Facts: stage.Facts{Digest: dgst.String()}}, nil
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

// served is the name under which the engine finds a base's folder or layout.
func served(s stage.BaseSettings) string { return "base-" + s.Name }

// subject is a base in messages.
func subject(s stage.BaseSettings) string { return "base " + s.Name }
