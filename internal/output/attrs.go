package output

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

// value checks what an attribute is given; "" is right, else what would be.
type value func(string) string

func boolean(s string) string {
	if _, err := strconv.ParseBool(s); err != nil {
		return "true or false"
	}
	return ""
}

func number(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err != nil {
		return "a whole number"
	}
	return ""
}

func anything(string) string { return "" }

// compressions are BuildKit's.
var compressions = []string{"zstd", "gzip", "estargz", "uncompressed"}

func compression(s string) string {
	if !slices.Contains(compressions, s) {
		return "one of " + strings.Join(compressions, ", ")
	}
	return ""
}

func references(s string) string {
	for n := range strings.SplitSeq(s, ",") {
		if _, err := reference.ParseNormalizedNamed(n); err != nil {
			return "references of images"
		}
	}
	return ""
}

// The attributes of BuildKit's exporters: exporter/containerimage/exptypes/keys.go
// and exporter/local/fs.go of BuildKit 0.33. An exporter takes what it does not
// know without a word, so a misspelt one would be of no effect.
var (
	ofFiles = map[string]value{"source-date-epoch": number, "platform-split": boolean, "attestation-prefix": anything}
	ofImage = map[string]value{
		"name": references, "source-date-epoch": number, "oci-mediatypes": boolean, "oci-artifact": boolean, "rewrite-timestamp": boolean,
		"compression": compression, "compression-level": number, "force-compression": boolean, "prefer-nondist-layers": boolean, "attestation-inline": boolean,
	}
	ofArchive = map[string]value{"tar": boolean}
	ofStore   = map[string]value{
		"push": boolean, "push-by-digest": boolean, "registry.insecure": boolean, "unpack": boolean, "store": boolean,
		"name-canonical": boolean, "dangling-name-prefix": anything, "danging-name-empty-only": boolean,
	}
)

// known is the attributes that an output of the type takes.
func (o Output) known() map[string]value {
	out := map[string]value{}
	switch o.Type {
	case client.ExporterLocal, client.ExporterTar:
		maps.Copy(out, ofFiles)
	case client.ExporterImage:
		maps.Copy(out, ofImage)
		maps.Copy(out, ofStore)
	default:
		maps.Copy(out, ofImage)
		maps.Copy(out, ofArchive)
	}
	return out
}

// checkAttrs refuses what the exporter would refuse once everything is built, or
// would pass over.
func (o Output) checkAttrs() error {
	if o.Type == client.ExporterImage && o.Dest != "" {
		return problem.Usagef("--output: type image takes no dest").Hint("type=oci,dest=%s writes an archive, with tar=false a layout folder", o.Dest)
	}
	known := o.known()
	for _, k := range slices.Sorted(maps.Keys(o.Attrs)) {
		if strings.HasPrefix(k, "annotation") && o.Image() {
			continue // annotation.KEY, annotation-manifest.KEY and others
		}
		check, ok := known[k]
		if !ok {
			return problem.Usagef("--output: type %s has no attribute %q", o.Type, k).Hint("it takes %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if want := check(o.Attrs[k]); want != "" {
			return problem.Usagef("--output: %s=%q is not known", k, o.Attrs[k]).Hint("%s is %s", k, want)
		}
	}
	return o.checkMediaTypes()
}

// dockerTypes reports whether the image has Docker's media types.
func (o Output) dockerTypes() bool {
	oci, ok := o.Attrs["oci-mediatypes"]
	return ok && !isTrue(oci)
}

// checkMediaTypes refuses combinations with Docker's media types that nothing
// takes: in them there is no zstd and no annotation, and a layout is OCI's own.
func (o Output) checkMediaTypes() error {
	if !o.dockerTypes() {
		return nil
	}
	for k := range o.Attrs {
		if strings.HasPrefix(k, "annotation") {
			return problem.Usagef("--output: Docker's media types (oci-mediatypes=false) have no annotations").Hint("leave oci-mediatypes=false or %s out", k)
		}
	}
	switch c := o.Attrs["compression"]; {
	case c == "zstd" || c == "estargz":
		return problem.Usagef("--output: compression=%s needs OCI media types", c).Hint("leave oci-mediatypes=false out, or use compression=gzip")
	case o.Dir || o.Type == client.ExporterOCI:
		return problem.Usagef("--output: an OCI layout with oci-mediatypes=false cannot be read by skopeo, podman, buildah and umoci").
			Hint("leave oci-mediatypes=false out; type=docker,dest=FILE,oci-mediatypes=false writes what docker load of any age reads")
	}
	return nil
}
