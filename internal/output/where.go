package output

import "github.com/moby/buildkit/client"

// Where says in words where an output put the image, and for what stays in the
// engine how to take it out.
func Where(o Output, reference string, inDocker bool) string {
	switch {
	case o.Attrs["push"] == "true":
		return "pushed to " + reference
	case o.Type == client.ExporterImage && inDocker, o.Type == client.ExporterDocker && o.Dest == "":
		return "in Docker: docker run --rm -it " + reference
	case o.Type == client.ExporterImage:
		return "in the engine's cache; take it out with --output type=oci,dest=PATH or --push"
	case o.Dest == "-":
		return "on standard output"
	}
	return "in " + o.Dest
}
