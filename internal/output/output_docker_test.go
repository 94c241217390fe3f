package output

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

func TestEntryOnEngines(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "image.tar")
	for _, c := range []struct {
		output   string
		inDocker bool
		exporter string
	}{
		{"type=image", true, "moby"},
		{"type=image", false, "image"},
		{"type=image,push=true", true, "moby"},
		{"type=docker", true, "moby"},
		{"type=docker,dest=" + file, true, "docker"},
		{"type=docker,dest=" + file, false, "docker"},
		{"type=oci,dest=" + file, true, "oci"},
		{"type=tar,dest=" + file, true, "tar"},
	} {
		o, err := ParseOutput(c.output)
		if err != nil {
			t.Fatal(err)
		}
		d, err := o.Deliver(t.Context(), Image{Names: []string{"a:1", "b:2"}, Epoch: 7, InDocker: c.inDocker}, nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := d.Entry()
		if err = errors.Join(err, d.Release()); err != nil {
			t.Errorf("%s: %v", c.output, err)
		}
		if e.Type != c.exporter || e.Attrs["source-date-epoch"] != "7" || o.Image() != (e.Attrs["name"] == "a:1,b:2") {
			t.Errorf("%s in Docker %t: exporter %s with %v", c.output, c.inDocker, e.Type, e.Attrs)
		}
		if (e.Output != nil) != (o.Dest != "") {
			t.Errorf("%s in Docker %t: writes a file: %t", c.output, c.inDocker, e.Output != nil)
		}
	}
}

func TestEntryWithoutDockerCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	o, err := ParseOutput("type=docker")
	if err != nil {
		t.Fatal(err)
	}
	for _, inDocker := range []bool{true, false} {
		_, err := o.Deliver(t.Context(), Image{InDocker: inDocker}, nil)
		if (err == nil) != inDocker || err != nil && !strings.Contains(problem.Text(err), "\nhint: add dest=<file>") {
			t.Errorf("in Docker %t: %v", inDocker, err)
		}
	}
}

// Docker's media types have no zstd, so what was compressed as zstd for another
// output is compressed again.
func TestEntryMediaTypes(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]map[string]string{
		"type=image":                      {"compression": "zstd", "oci-mediatypes": "true", "annotation.base": "b"},
		"type=image,oci-mediatypes=true":  {"compression": "zstd", "oci-mediatypes": "true", "annotation.base": "b"},
		"type=image,oci-mediatypes=false": {"compression": "gzip", "oci-mediatypes": "false", "force-compression": "true"},
		"type=docker,dest=x,oci-mediatypes=false,compression=uncompressed": {"compression": "uncompressed", "oci-mediatypes": "false", "force-compression": "true"},
	} {
		o, err := ParseOutput(output)
		if err != nil {
			t.Fatal(err)
		}
		d := Delivery{Output: o, image: Image{Names: []string{"a:1"}, Annotations: map[string]string{"base": "b"}}}
		attrs := d.attrs()
		for _, k := range []string{"compression", "oci-mediatypes", "force-compression", "annotation.base"} {
			if attrs[k] != want[k] {
				t.Errorf("%s: %s=%s, want %q", output, k, attrs[k], want[k])
			}
		}
	}
}
