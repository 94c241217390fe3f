// Package output is where a built image goes: files, folders, Docker, a
// registry.
package output

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/fields"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

// Output is where a built image goes.
type Output struct {
	Type  string // oci, docker, local, tar, image
	Dest  string // file or folder; "-" is standard output, "" where the type has none
	Dir   bool   // Dest is a folder
	Attrs map[string]string
}

// ParseOutput reads "type=oci,dest=out,tar=false,compression=gzip". A lone
// path is a folder with the image's files, "-" a tar of them on standard output.
func ParseOutput(s string) (Output, error) {
	attrs, err := fields.Parse("--output", s, "dest")
	if err != nil {
		return Output{}, problem.As(problem.Usage, err)
	}
	if len(attrs) == 1 && attrs["dest"] != "" {
		return plain(attrs["dest"]), nil
	}
	o := Output{Attrs: attrs}
	return o.named()
}

func plain(dest string) Output {
	if dest == "-" {
		return Output{Type: client.ExporterTar, Dest: "-", Attrs: map[string]string{}}
	}
	return Output{Type: client.ExporterLocal, Dest: dest, Dir: true, Attrs: map[string]string{}}
}

// named takes what is medbuild's out of the attributes; the rest is the
// exporter's.
func (o Output) named() (Output, error) {
	o.Type, o.Dest = o.Attrs["type"], o.Attrs["dest"]
	delete(o.Attrs, "type")
	delete(o.Attrs, "dest")
	switch o.Type {
	case client.ExporterLocal:
		o.Dir = true
	case client.ExporterOCI, client.ExporterDocker:
		tar, err := strconv.ParseBool(cmp.Or(o.Attrs["tar"], "true"))
		if err != nil {
			return o, problem.Usagef("--output: tar=%s is neither true nor false", o.Attrs["tar"]).Hint("tar=false writes an OCI layout folder")
		}
		o.Dir = !tar
	case client.ExporterTar, client.ExporterImage:
	case "registry":
		o.Type, o.Attrs["push"] = client.ExporterImage, "true"
	default:
		return o, problem.Usagef("--output: type %q is unknown", o.Type).Hint("types are oci, docker, local, tar, image and registry")
	}
	return o, o.check()
}

func (o Output) check() error {
	if o.Dest == "" && o.Type != client.ExporterImage && o.Type != client.ExporterDocker {
		return problem.Usagef("--output: type %s needs dest", o.Type).Hint("add dest=<path>")
	}
	if o.Dest == "-" && o.Dir {
		return problem.Usagef("--output: a folder cannot go to standard output").Hint("leave tar=false out")
	}
	return o.checkAttrs()
}

// Push is the output with its image pushed: what --push makes of one. It refuses
// an output that says not to.
func (o Output) Push() (Output, error) {
	if push, ok := o.Attrs["push"]; ok && !isTrue(push) {
		return o, problem.Usagef("--push, but an output says push=%s", push).Hint("leave one of them out")
	}
	o.Attrs = maps.Clone(o.Attrs)
	o.Attrs["push"] = "true"
	return o, nil
}

// Pushed reports whether the output goes to a registry.
func (o Output) Pushed() bool { return isTrue(o.Attrs["push"]) }

func isTrue(s string) bool {
	b, err := strconv.ParseBool(s)
	return err == nil && b
}

// Annotate adds annotations to the manifest of an output that is an image.
func (o Output) Annotate(annotations map[string]string) error {
	if !o.Image() {
		return nil
	}
	for k, v := range annotations {
		o.Attrs["annotation."+k] = v
	}
	return o.checkMediaTypes()
}

// String is the output as a command line has it, without what is medbuild's own.
func (o Output) String() string {
	if o.Dest == "" {
		return "type=" + o.Type
	}
	return "type=" + o.Type + ",dest=" + o.Dest
}

// targetMark stands for the target's name in dest.
const targetMark = "{target}"

// Apart reports whether several targets can have the output.
func (o Output) Apart() bool { return o.Dest == "" || strings.Contains(o.Dest, targetMark) }

// For is the output of one of several targets: its name takes its place in dest.
func (o Output) For(target string) Output {
	o.Dest = strings.ReplaceAll(o.Dest, targetMark, target)
	return o
}

// ByName reports whether images of one name would take each other's place.
func (o Output) ByName() bool {
	return o.Pushed() || o.Type == client.ExporterDocker && o.Dest == ""
}

// ToStdout reports whether the output takes standard output for itself.
func (o Output) ToStdout() bool { return o.Dest == "-" }

// Image reports whether the output is an image, and not its files.
func (o Output) Image() bool {
	return o.Type == client.ExporterOCI || o.Type == client.ExporterDocker || o.Type == client.ExporterImage
}
