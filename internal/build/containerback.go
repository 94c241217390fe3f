package build

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// A container's mounts cannot be exported. So the container is kept alive by a
// first process that does nothing, and after the command a third writes an
// archive of each folder to its standard output.

// engineEnv is the environment of our own processes in a container: the image's
// may hold libraries that they would stumble over.
func engineEnv() []string { return []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"} }

// packScript ends what the command left running, so that nothing changes any
// more, and packs a folder. Times are to the nanosecond in this format, and a
// hard link is a file of its own: its other name may lie outside.
const packScript = `kill -KILL -1 2>/dev/null; exec tar --format=posix --hard-dereference --one-file-system --numeric-owner -C "$1" -cf - .`

// needs is what to say when these processes fail.
const needs = "\nhint: writing folders back takes sh, sleep and tar in the image; :ro after the folder needs none of them"

// writes reports whether a folder is to be written back.
func (r *running) writes() bool {
	return slices.ContainsFunc(r.sent, func(v volume) bool { return !v.Readonly })
}

// keepAlive starts the first process. The container's working folder is made
// for it, and is then there for the command too.
func (r *running) keepAlive(ctx context.Context, ctr gateway.Container) error {
	out := &output{}
	proc, err := ctr.Start(ctx, gateway.StartRequest{Args: []string{"sleep", "2147483647"}, Env: engineEnv(),
		Cwd: r.start.Cwd, User: "0", Stdout: out, Stderr: out})
	if err != nil {
		return fmt.Errorf("keep the container alive: %w%s", err, needs)
	}
	go func() { _ = proc.Wait() }() // it ends with the container
	return nil
}

// writeBack brings the changes of all folders here.
func (r *running) writeBack(ctx context.Context, ctr gateway.Container) error {
	var errs []error
	for _, v := range r.sent {
		if v.Readonly {
			continue
		}
		if err := fetch(ctx, ctr, v); err != nil {
			errs = append(errs, fmt.Errorf("write %s back to %s: %w", v.Container, v.Host, err))
		}
	}
	return errors.Join(errs...)
}

func fetch(ctx context.Context, ctr gateway.Container, v volume) error {
	r, w := io.Pipe()
	said := &output{}
	proc, err := ctr.Start(ctx, gateway.StartRequest{Args: []string{"sh", "-c", packScript, "sh", v.Container},
		Env: engineEnv(), Cwd: "/", User: "0", Stdout: w, Stderr: said})
	if err != nil {
		return fmt.Errorf("%w%s", err, needs)
	}
	packed := make(chan error, 1)
	go func() {
		err := proc.Wait()
		if err != nil {
			err = fmt.Errorf("%w: %s%s", err, strings.TrimSpace(said.String()), needs)
		}
		packed <- w.CloseWithError(err)
	}()
	err = v.unpack(r)
	_ = r.CloseWithError(err)
	<-packed
	return err
}

// unpack takes an archive of the folder as it is now in the container: what
// differs from what was sent is written, what is missing is removed.
func (v volume) unpack(r io.Reader) error {
	t, err := openTree(v.path, v.files)
	if err != nil {
		return err
	}
	defer t.close()
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read its archive: %w", err)
		}
		if err := t.put(h, archive); err != nil {
			return err
		}
	}
	// The reader's end is not the archive's: a pack that failed says so there.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return t.finish()
}

// output keeps what our own processes say.
type output struct{ bytes.Buffer }

func (*output) Close() error { return nil }
