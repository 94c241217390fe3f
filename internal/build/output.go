package build

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

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
	attrs, err := fields("--output", s, "dest")
	if err != nil {
		return Output{}, err
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
		tar, err := strconv.ParseBool(or(o.Attrs["tar"], "true"))
		if err != nil {
			return o, fmt.Errorf("--output: tar=%s is neither true nor false", o.Attrs["tar"])
		}
		o.Dir = !tar
	case client.ExporterTar, client.ExporterImage:
	case "registry":
		o.Type, o.Attrs["push"] = client.ExporterImage, "true"
	default:
		return o, fmt.Errorf("--output: type %q is unknown\nhint: types are oci, docker, local, tar, image and registry", o.Type)
	}
	return o, o.check()
}

func (o Output) check() error {
	if o.Dest == "" && o.Type != client.ExporterImage && o.Type != client.ExporterDocker {
		return fmt.Errorf("--output: type %s needs dest\nhint: add dest=<path>", o.Type)
	}
	if o.Dest == "-" && o.Dir {
		return errors.New("--output: a folder cannot go to standard output\nhint: leave tar=false out")
	}
	return nil
}

// ToStdout reports whether the output takes standard output for itself.
func (o Output) ToStdout() bool { return o.Dest == "-" }

// Image reports whether the output is an image, and not its files.
func (o Output) Image() bool {
	return o.Type == client.ExporterOCI || o.Type == client.ExporterDocker || o.Type == client.ExporterImage
}

// Entry is the output as the client takes it. names are the image's references;
// epoch is SOURCE_DATE_EPOCH: without it four exports of one image had four
// digests. zstd is smaller and three times as fast as gzip, and needs OCI
// media types.
//
// Docker's own BuildKit has an exporter that puts images into Docker's store;
// everywhere else the image exporter without a push keeps nothing by name.
func (o Output) Entry(names []string, epoch int64, inDocker bool) (client.ExportEntry, error) {
	attrs := map[string]string{"source-date-epoch": strconv.FormatInt(epoch, 10)}
	if o.Image() {
		attrs["name"] = strings.Join(names, ",")
		maps.Copy(attrs, map[string]string{"compression": "zstd", "oci-mediatypes": "true"})
	}
	maps.Copy(attrs, o.Attrs)
	e := client.ExportEntry{Type: o.Type, Attrs: attrs}
	if inDocker && o.Image() && o.Dest == "" && attrs["push"] == "" {
		e.Type = "moby"
	}
	return e, o.open(&e)
}

func (o Output) open(e *client.ExportEntry) error {
	switch {
	case o.Dest == "":
		return nil
	case o.Dest == "-":
		e.Output = func(map[string]string) (io.WriteCloser, error) { return keepOpen{os.Stdout}, nil }
		return nil
	case o.Dir:
		e.OutputDir = o.Dest
		return os.MkdirAll(o.Dest, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(o.Dest), 0o755); err != nil {
		return err
	}
	e.Output = func(map[string]string) (io.WriteCloser, error) { return create(o.Dest) }
	return nil
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

// partial is a file that has its name only once it is complete. The exporter
// closes it also when it fails, so the name is given by commit, after the build.
type partial struct {
	*os.File
	name string
}

func create(name string) (io.WriteCloser, error) {
	f, err := os.Create(name + partialSuffix)
	if err != nil {
		return nil, err
	}
	return partial{f, name}, nil
}

const partialSuffix = ".partial"

// Finish gives a file output its name, or takes away what a failed build left.
func (o Output) Finish(built bool) error {
	if o.Dest == "" || o.Dest == "-" || o.Dir {
		return nil
	}
	if !built {
		return ignoreMissing(os.Remove(o.Dest + partialSuffix))
	}
	return os.Rename(o.Dest+partialSuffix, o.Dest)
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
