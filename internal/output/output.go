// Package output is where a built image goes: files, folders, Docker, a
// registry.
package output

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/medbuild/medbuild/internal/fields"

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
		tar, err := strconv.ParseBool(cmp.Or(o.Attrs["tar"], "true"))
		if err != nil {
			return o, fmt.Errorf("--output: tar=%s is neither true nor false", o.Attrs["tar"])
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
	return nil
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
	return o.Attrs["push"] == "true" || o.Type == client.ExporterDocker && o.Dest == ""
}

// ToStdout reports whether the output takes standard output for itself.
func (o Output) ToStdout() bool { return o.Dest == "-" }

// Image reports whether the output is an image, and not its files.
func (o Output) Image() bool {
	return o.Type == client.ExporterOCI || o.Type == client.ExporterDocker || o.Type == client.ExporterImage
}

// Entry is the output as the client takes it. names are the image's references;
// epoch is SOURCE_DATE_EPOCH: without it four exports of one image had four
// digests.
//
// zstd is smaller and three times as fast as gzip, and needs OCI media types.
// Docker archives have both as well, so that an image has one digest wherever
// it goes and its layers are compressed once: docker load of Docker 26.1 takes
// them, with the classic store as with containerd's. What it does not take is
// zstd with Docker's own media types: oci-mediatypes=false has gzip. For older
// ones that take OCI types there is compression=gzip,force-compression=true.
//
// No output has attestations: they would make an index of every image.
//
// inDocker says that the engine is a Docker Engine: what has no place
// of its own goes into its store, by its own exporter "moby", which also
// unpacks the image and completes its names the way Docker writes them.
func (o Output) Entry(names []string, epoch int64, inDocker bool) (client.ExportEntry, error) {
	attrs := map[string]string{"source-date-epoch": strconv.FormatInt(epoch, 10)}
	if o.Image() {
		attrs["name"] = strings.Join(names, ",")
		maps.Copy(attrs, o.defaults())
	}
	maps.Copy(attrs, o.Attrs)
	e := client.ExportEntry{Type: o.Type, Attrs: attrs}
	switch {
	case !o.Image() || o.Dest != "" || o.Type == client.ExporterOCI:
		o.open(&e)
	case inDocker:
		e.Type = "moby"
	case o.Type == client.ExporterDocker:
		load, err := dockerLoad()
		e.Output = load
		return e, err
	}
	return e, nil
}

// defaults are the attributes of an image that the user may state otherwise.
func (o Output) defaults() map[string]string {
	if oci, err := strconv.ParseBool(o.Attrs["oci-mediatypes"]); err == nil && !oci {
		return map[string]string{"compression": "gzip", "force-compression": "true"}
	}
	return map[string]string{"compression": "zstd", "oci-mediatypes": "true"}
}

// open gives the entry its place.
func (o Output) open(e *client.ExportEntry) {
	switch {
	case o.Dest == "":
	case o.Dest == "-":
		e.Output = func(map[string]string) (io.WriteCloser, error) { return keepOpen{os.Stdout}, nil }
	case o.Type == client.ExporterLocal:
		e.Type, e.Output = client.ExporterTar, func(map[string]string) (io.WriteCloser, error) { return unpackInto(o.folder()) }
	case o.Dir:
		e.OutputDir = o.Dest
	default:
		e.Output = func(map[string]string) (io.WriteCloser, error) { return create(o.Dest) }
	}
}

// folder is where the files of a local output are unpacked: beside their
// place, unless that has files already.
func (o Output) folder() string {
	if emptyFolder(o.Dest) {
		return o.Dest + partialSuffix
	}
	return o.Dest
}

// emptyFolder reports whether nothing is at path, or a folder without anything
// in it. Files are added to a folder that has some, as cp does.
func emptyFolder(path string) bool {
	entries, err := os.ReadDir(path)
	return len(entries) == 0 && (err == nil || errors.Is(err, os.ErrNotExist))
}

type keepOpen struct{ io.Writer }

// Close leaves the stream open.
func (keepOpen) Close() error { return nil }

// partial is a file that has its name only once it is complete. The exporter
// closes it also when it fails, so the name is given by commit, after the build.
type partial struct {
	*os.File
	name string
}

func create(name string) (io.WriteCloser, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(name + partialSuffix)
	if err != nil {
		return nil, err
	}
	return partial{f, name}, nil
}

const partialSuffix = ".partial"

// Finish gives an output its name, or takes away what a failed build left.
func (o Output) Finish(built bool) error {
	if o.Dest == "" || o.Dest == "-" || o.Dir && o.Type != client.ExporterLocal {
		return nil
	}
	if !built {
		return os.RemoveAll(o.Dest + partialSuffix)
	}
	err := os.Rename(o.Dest+partialSuffix, o.Dest)
	if o.Dir {
		return ignoreMissing(err) // the files were added to a folder that had some
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
