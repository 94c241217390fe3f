package output

import (
	"strings"

	"github.com/moby/buildkit/client"
)

// Where says in words where the output put the image, and for what stays in the
// engine how to take it out.
func (d *Delivery) Where() string {
	o := d.Output
	switch {
	case o.Pushed():
		return "pushed to " + strings.Join(d.Names(), ", ")
	case o.Type == client.ExporterImage && d.image.InDocker, o.Type == client.ExporterDocker && o.Dest == "":
		return "in Docker: docker run --rm -it " + d.Names()[0]
	case o.Type == client.ExporterImage:
		return "in the engine's cache; take it out with --output type=oci,dest=PATH or --push"
	case o.Dest == "-":
		return "on standard output"
	}
	return "in " + o.Dest
}
