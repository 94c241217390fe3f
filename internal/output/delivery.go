package output

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session/filesync"
)

// Image is what all outputs of an image have in common.
type Image struct {
	Names       []string          // its references
	Epoch       int64             // SOURCE_DATE_EPOCH: without it four exports of one image had four digests
	InDocker    bool              // the engine is a Docker Engine
	Annotations map[string]string // of the manifest, where the output has OCI media types
}

// Delivery is an output on its way. What it writes on this machine has its place
// only once Commit gives it; until Release no other process writes there.
type Delivery struct {
	Output
	image Image
	claim *files.Claim            // nil for what is no file or folder
	load  filesync.FileOutputFunc // of what "docker load" takes
	began time.Time

	mu  sync.Mutex
	err error // of writing here: on its way through the engine it becomes text
}

// Deliver claims the output's place. waits is told when another process has it.
func (o Output) Deliver(ctx context.Context, img Image, waits func(notice string)) (*Delivery, error) {
	d := &Delivery{Output: o, image: img, began: time.Now()}
	if o.Type == client.ExporterDocker && o.Dest == "" && !img.InDocker {
		var err error
		d.load, err = dockerLoad()
		return d, err
	}
	if !o.onDisk() {
		return d, nil
	}
	take := files.ClaimFile
	if o.Dir {
		take = files.ClaimFolder
	}
	var err error
	d.claim, err = take(ctx, o.Dest, func() {
		if waits != nil {
			waits("waiting for another medbuild that writes " + o.Dest)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return d, nil
}

// Names are the references that the image has in this output.
func (d *Delivery) Names() []string { return strings.Split(d.attrs()["name"], ",") }

// attrs are the exporter's attributes: the output's own and what goes without saying.
//
// zstd is smaller and three times as fast as gzip, and needs OCI media types.
// Docker archives have both as well, so that an image has one digest wherever
// it goes and its layers are compressed once: docker load of Docker 26.1 takes
// them, with the classic store as with containerd's. What it does not take is
// zstd with Docker's own media types: oci-mediatypes=false has gzip. For older
// ones that take OCI types there is compression=gzip,force-compression=true.
//
// No output has attestations: they would make an index of every image.
func (d *Delivery) attrs() map[string]string {
	out := map[string]string{"source-date-epoch": strconv.FormatInt(d.image.Epoch, 10)}
	if d.Image() {
		out["name"] = strings.Join(d.image.Names, ",")
		maps.Copy(out, d.defaults())
	}
	maps.Copy(out, d.Attrs)
	return out
}

// defaults are the attributes of an image that the user may state otherwise.
// Annotations would give it OCI media types whatever it is to have.
func (d *Delivery) defaults() map[string]string {
	if d.dockerTypes() {
		return map[string]string{"compression": "gzip", "force-compression": "true"}
	}
	out := map[string]string{"compression": "zstd", "oci-mediatypes": "true"}
	for k, v := range d.image.Annotations {
		out["annotation."+k] = v
	}
	return out
}

// Entry is the output as the engine's client takes it.
//
// What has no place of its own goes into the store of a Docker Engine by its own
// exporter "moby", which also unpacks the image and completes its names the way
// Docker writes them.
func (d *Delivery) Entry() (client.ExportEntry, error) {
	e := client.ExportEntry{Type: d.Type, Attrs: d.attrs()}
	switch {
	case d.Dest == "" && d.image.InDocker:
		e.Type = "moby"
	case d.Dest == "" && d.Type == client.ExporterDocker:
		e.Output = d.load
	case d.Dest == "-":
		e.Output = d.stdout
	case d.Type == client.ExporterLocal:
		e.Type, e.Output = client.ExporterTar, d.unpack
	case d.Dir:
		store, err := d.store()
		e.OutputStore = store
		return e, err
	case d.claim != nil:
		e.Output = d.file
	}
	return e, nil
}

// note keeps the first error of writing here.
func (d *Delivery) note(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
	return err
}

// Failed is what went wrong with the export: the own error of this machine where
// there is one, and else what the engine said.
func (d *Delivery) Failed(said error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case said == nil:
		return nil
	case errors.Is(d.err, syscall.ENOSPC):
		return problem.Failedf("write %s: %w", d.Dest, syscall.ENOSPC).Hint("free some space, or write to another disk")
	case d.err != nil:
		return problem.Failedf("write %s: %w", d.Dest, d.err)
	}
	return problem.Wrapf("--output %s: %w", d.Output, said)
}

// Commit gives what was written its place. response is what the exporter answered.
func (d *Delivery) Commit(response map[string]string) error {
	if d.claim == nil {
		return nil
	}
	err := d.settle(response)
	if err == nil {
		err = d.claim.Commit()
	}
	if err == nil && d.layout() && d.claim.Inside() != nil {
		err = collect(d.claim.Inside(), d.began)
	}
	return problem.Hinted(err, "see that %s can be written, and build again", d.Dest)
}

// settle makes ready what takes its place by a rename, and moves what is added to
// a folder.
func (d *Delivery) settle(response map[string]string) error {
	switch {
	case d.layout():
		return d.seal(response)
	case d.Dir && d.claim.Inside() != nil:
		return files.Merge(d.claim.Inside(), d.claim.Name())
	}
	return nil
}

// Abandon takes away what a failed build left.
func (d *Delivery) Abandon() error {
	if d.claim == nil {
		return nil
	}
	return d.claim.Abandon()
}

// Release lets other processes have the place.
func (d *Delivery) Release() error {
	if d.claim == nil {
		return nil
	}
	return d.claim.Release()
}
