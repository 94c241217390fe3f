// Package jupyter makes the base image of the notebook service's tests: Debian
// with JupyterLab in the home of the user jovyan, started and used as
// itisfoundation/jupyter-math is.
package jupyter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/medbuild/medbuild/internal/site"

	"github.com/medbuild/medbuild/internal/engine"
	"github.com/medbuild/medbuild/llb"
	"github.com/moby/buildkit/client"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/util/progress/progressui"
	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	"golang.org/x/sync/errgroup"
)

// Base is an image to be made.
type Base struct {
	Debian string // the tar of the root file system to start from

	key        string
	definition *bk.Definition
	config     []byte
}

// local is the folder of the tar, as the engine asks for it.
const local = "debian"

// New reads the tar and writes the graph.
func New(ctx context.Context, debian string) (*Base, error) {
	debian, err := filepath.EvalSymlinks(debian) // the session would serve the link
	if err != nil {
		return nil, err
	}
	sum, err := digestOf(debian)
	if err != nil {
		return nil, err
	}
	state, err := root(llb.Tar(local, filepath.Base(debian), sum))
	if err != nil {
		return nil, err
	}
	b := &Base{Debian: debian}
	if b.definition, err = state.Marshal(ctx, platform()); err != nil {
		return nil, fmt.Errorf("write the graph of the notebook base: %w", err)
	}
	if b.config, err = config(); err != nil {
		return nil, err
	}
	b.key = b.hash()
	return b, nil
}

// Key changes with everything that the image is made from.
func (b *Base) Key() string { return b.key }

// hash does not depend on the order in which the graph was written, nor on what
// only tells steps and lines of this program.
func (b *Base) hash() string {
	ops := slices.Clone(b.definition.Def)
	slices.SortFunc(ops, slices.Compare)
	h := sha256.New()
	for _, part := range append(ops, b.config) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Make writes the image to the folder dest, as an OCI layout that is there when
// it is complete. The engine is our own in the folder state, with the program
// buildkitd.
func (b *Base) Make(ctx context.Context, state, buildkitd, dest string, log io.Writer) (err error) {
	site, err := b.site()
	if err != nil {
		return err
	}
	secrets, err := site.Secrets()
	if err != nil {
		return err
	}
	e, err := engine.Find(ctx, engine.Options{Address: "child", Root: state, Binary: buildkitd, Env: site.Engine()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	partial := dest + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := b.solve(ctx, e.Client, secrets, partial, log); err != nil {
		return errors.Join(fmt.Errorf("make the notebook base: %w", err), os.RemoveAll(partial))
	}
	return os.Rename(partial, dest)
}

func (b *Base) site() (site.Site, error) {
	home, err := os.UserHomeDir()
	return site.Site{Getenv: os.Getenv, Home: home}, err
}

func (b *Base) solve(ctx context.Context, c *client.Client, secrets map[string][]byte, dest string, log io.Writer) error {
	dir, err := fsutil.NewFS(filepath.Dir(b.Debian))
	if err != nil {
		return err
	}
	opt := client.SolveOpt{
		LocalMounts: map[string]fsutil.FS{local: dir},
		Session:     []session.Attachable{secretsprovider.FromMap(secrets)},
		Exports: []client.ExportEntry{{Type: client.ExporterOCI, OutputDir: dest,
			Attrs: map[string]string{"tar": "false", "compression": "gzip", "compression-level": "1"}}},
	}
	display, err := progressui.NewDisplay(log, progressui.PlainMode)
	if err != nil {
		return err
	}
	status := make(chan *client.SolveStatus)
	var both errgroup.Group
	both.Go(func() error {
		_, err := c.Build(ctx, opt, "", b.run, status)
		return err
	})
	both.Go(func() error {
		_, err := display.UpdateFrom(context.WithoutCancel(ctx), status)
		return err
	})
	return both.Wait()
}

func (b *Base) run(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	res, err := c.Solve(ctx, gateway.SolveRequest{Evaluate: true, Definition: b.definition.ToPB()})
	if err != nil {
		return nil, err
	}
	res.AddMeta(exptypes.ExporterImageConfigKey, b.config)
	return res, nil
}

func digestOf(path string) (digest.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return digest.FromReader(f)
}
