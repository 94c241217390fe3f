package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/medbuild/medbuild/internal/solve"

	"github.com/medbuild/medbuild/internal/files"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// A container's mounts cannot be exported, and a process beside the command
// would die with it: an exit code other than 0 ends all of a container. So a
// folder that is written back is a cache mount with a name of its own, which a
// second container, with the command's gone, packs to its standard output.

// packArguments pack the folder that follows. Times are to the nanosecond in
// this format; a hard link is packed as a file, as its other name may lie outside.
func packArguments() []string {
	return []string{"tar", "--format=posix", "--hard-dereference", "--numeric-owner", "-cf", "-", "-C"}
}

// packEnv is the environment of packing. The image's may name libraries that
// tar would stumble over.
func packEnv() []string { return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"} }

// writeBack brings the changes of all folders here.
func (r *running) writeBack(ctx context.Context, c *solve.Client) error {
	var errs []error
	for i, v := range r.sent {
		if v.Readonly {
			continue
		}
		err := r.container(ctx, c, r.mounts[i:i+1], func(ctx context.Context, ctr gateway.Container, _ *queue) error {
			return unpacked(ctx, ctr, v)
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("write %s back to %s: %w", v.Container, v.Host, err))
		}
	}
	return errors.Join(errs...)
}

func unpacked(ctx context.Context, ctr gateway.Container, v volume) error {
	reader, w := io.Pipe()
	said := &spoken{}
	proc, err := ctr.Start(ctx, gateway.StartRequest{Args: append(packArguments(), v.Container, "."),
		Env: packEnv(), Cwd: "/", User: "0", Stdout: w, Stderr: said})
	if err != nil {
		return err
	}
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		_ = w.CloseWithError(packError(proc.Wait(), said))
	}()
	err = files.Unpack(v.path, v.files, reader)
	_ = reader.CloseWithError(err)
	<-packed
	return err
}

func packError(err error, said *spoken) error {
	if err == nil {
		return nil
	}
	return problem.Wrapf("%w: %s", err, strings.TrimSpace(said.String())).
		Hint("folders are written back by tar, which the image must have; with :ro after the folder nothing is")
}

// forget removes what the engine keeps of the folders. What it does not remove
// now, its garbage collection will.
func (p *Prepared) forget(ctx context.Context) {
	if len(p.sent) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	var filters []string
	for _, v := range p.sent {
		filters = append(filters, "description~="+v.id)
	}
	_ = p.engine.Prune(ctx, nil, client.WithFilter(filters))
}

// spoken keeps what our own processes say.
type spoken struct{ bytes.Buffer }

// Close keeps what was said.
func (*spoken) Close() error { return nil }
