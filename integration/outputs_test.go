package integration

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/medbuild/medbuild/integration/kit"
)

// outputs are outputs of every kind, each with bytes of its own. HOST is a registry.
var outputs = []string{
	"type=registry",
	"type=image,push=true,name=HOST/docker:1,oci-mediatypes=false",
	"type=docker,dest=docker.tar,oci-mediatypes=false,compression=uncompressed",
	"type=oci,dest=oci.tar",
	"type=oci,tar=false,dest=layout",
	"type=oci,tar=false,dest=gzip,compression=gzip,force-compression=true",
	"type=local,dest=files",
	"type=tar,dest=files.tar",
}

// written is what the metadata file says of an output.
type written struct {
	Type   string
	Dest   string
	Digest string `json:"containerimage.digest"`
	Config string `json:"containerimage.config.digest"`
	Name   string `json:"image.name"`
}

// All kinds of outputs at once: each is read back as what was said of it, under
// both references, by two libraries.
func TestOutputsReadBack(t *testing.T) {
	if testing.Short() {
		t.Skip("exports eight outputs; run without -short")
	}
	kit.SharedEngine(t)
	readBack(t, filesProject(t), outputs...)
}

// Every pair of outputs, in both orders.
func TestPairsOfOutputsReadBack(t *testing.T) {
	kit.Long(t, "builds 56 pairs of outputs")
	kit.SharedEngine(t)
	dir := filesProject(t)
	for i, a := range outputs {
		for j, b := range outputs {
			if i != j {
				t.Run(fmt.Sprint(i, j), func(t *testing.T) { readBack(t, dir, a, b) })
			}
		}
	}
}

// filesProject is an image of a base and one small file.
func filesProject(t *testing.T) string {
	t.Helper()
	dir := kit.Project(t, kit.Components("scripts", "stage = \"files\"\nversion = \"1\"\nprefix = \"/opt/scripts\"\nfiles = [{ from = \"hello.sh\", to = \"bin/hello\", mode = \"0755\" }]\n"))
	kit.WriteFile(t, filepath.Join(dir, "hello.sh"), "#!/bin/sh\necho hello\n")
	return dir
}

func readBack(t *testing.T, dir string, outputs ...string) {
	t.Helper()
	host := kit.RegistryHost(t)
	tags := []string{host + "/test:1", host + "/test:latest"}
	args := []string{"--metadata-file", "metadata.json", "--tag", tags[0], "--tag", tags[1]}
	for _, o := range outputs {
		args = append(args, "--output", strings.ReplaceAll(o, "HOST", host))
	}
	r := kit.Built(t, dir, args...).OK(t)
	var said struct {
		Outputs []written `json:"medbuild.outputs"`
	}
	kit.NoError(t, json.Unmarshal([]byte(kit.ReadFile(t, filepath.Join(dir, "metadata.json"))), &said))
	for i, w := range said.Outputs {
		w.check(t, dir, outputs[i], tags)
		for _, name := range strings.Split(w.Name, ",") {
			if w.Digest != "" && !strings.Contains(r.Stdout, name+"@"+w.Digest+"\n") {
				t.Errorf("%s@%s was not printed: %s", name, w.Digest, r.Stdout)
			}
		}
	}
	for _, e := range kit.Must(os.ReadDir(dir))(t) {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left", e.Name())
		}
	}
	for _, o := range said.Outputs {
		if o.Dest != "" {
			kit.NoError(t, os.RemoveAll(filepath.Join(dir, o.Dest)))
		}
	}
}

func (w written) check(t *testing.T, dir, output string, tags []string) {
	t.Helper()
	path := filepath.Join(dir, w.Dest)
	switch {
	case w.Dest == "":
		w.checkPushed(t, dir, output)
	case strings.Contains(output, "tar=false"):
		w.checkLayout(t, path, tags)
		for _, tag := range tags {
			kit.Tool(t, dir, "skopeo", "inspect", "--raw", "oci:"+w.Dest+":"+tag)
		}
	case w.Type == "oci":
		unpacked := t.TempDir()
		untar(t, path, unpacked)
		w.checkLayout(t, unpacked, tags)
		kit.Tool(t, dir, "skopeo", "inspect", "--raw", "oci-archive:"+w.Dest+":"+tags[0])
	case w.Type == "docker":
		img := kit.Must(tarball.ImageFromPath(path, nil))(t)
		if got := kit.Must(img.ConfigName())(t).String(); got != w.Config {
			t.Errorf("%s: configuration %s, want %s", output, got, w.Config)
		}
		kit.Tool(t, dir, "skopeo", "inspect", "--raw", "docker-archive:"+w.Dest+":"+tags[0])
	case w.Type == "local":
		if !strings.Contains(kit.ReadFile(t, filepath.Join(path, "opt/scripts/bin/hello")), "echo hello") {
			t.Errorf("%s has another file", output)
		}
	default:
		if !slices.Contains(untar(t, path, t.TempDir()), "opt/scripts/bin/hello") {
			t.Errorf("%s has no file", output)
		}
	}
}

func (w written) checkPushed(t *testing.T, dir, output string) {
	t.Helper()
	for _, name := range strings.Split(w.Name, ",") {
		if got := kit.Must(crane.Digest(name))(t); got != w.Digest {
			t.Errorf("%s: %s is %s, want %s", output, name, got, w.Digest)
		}
		manifest := kit.Tool(t, dir, "skopeo", "inspect", "--raw", "--tls-verify=false", "docker://"+name)
		if strings.Contains(manifest, "docker.distribution") != strings.Contains(output, "oci-mediatypes=false") {
			t.Errorf("%s: %s", output, manifest)
		}
	}
}

// checkLayout wants a layout to have the image under both references, and its
// base on the manifest.
func (w written) checkLayout(t *testing.T, path string, tags []string) {
	t.Helper()
	index := kit.Must(layout.ImageIndexFromPath(path))(t)
	var names []string
	for _, m := range kit.Must(index.IndexManifest())(t).Manifests {
		names = append(names, m.Annotations["org.opencontainers.image.ref.name"])
		manifest := kit.Must(kit.Must(index.Image(m.Digest))(t).Manifest())(t)
		if m.Digest.String() != w.Digest || manifest.Annotations["org.opencontainers.image.base.digest"] == "" {
			t.Errorf("%s: %s with %v, want %s", w.Dest, m.Digest, manifest.Annotations, w.Digest)
		}
		checkLayers(t, kit.Must(index.Image(m.Digest))(t))
	}
	if !slices.Equal(names, tags) {
		t.Errorf("%s: named %q, want %q", w.Dest, names, tags)
	}
}

func checkLayers(t *testing.T, img v1.Image) {
	t.Helper()
	for _, l := range kit.Must(img.Layers())(t) {
		r := kit.Must(l.Compressed())(t)
		_, err := io.Copy(io.Discard, r)
		kit.NoError(t, errors.Join(err, r.Close()))
	}
}

// untar unpacks the files of an archive that are no device or link, and lists
// the names of all.
func untar(t *testing.T, path, dir string) (names []string) {
	t.Helper()
	f := kit.Must(os.Open(path))(t)
	defer f.Close()
	archive := tar.NewReader(f)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		kit.NoError(t, err)
		names = append(names, strings.TrimPrefix(h.Name, "./"))
		if h.Typeflag == tar.TypeReg && (strings.HasPrefix(h.Name, "blobs/") || !strings.Contains(h.Name, "/")) {
			kit.WriteFile(t, filepath.Join(dir, h.Name), string(kit.Must(io.ReadAll(archive))(t)))
		}
	}
}

// podman calls the image of an archive what its reference says. The image of a
// folder it calls by the folder (4.3 does), whatever the layout says: it is the same.
func TestPodmanReadsALayout(t *testing.T) {
	kit.Long(t, "copies an image into a store of podman's")
	kit.SharedEngine(t)
	dir := filesProject(t)
	const ref = "registry.example.org:5000/lab/test:0.1.0"
	kit.Built(t, dir, "--tag", ref, "--output", "type=oci,tar=false,dest=layout", "--output", "type=oci,dest=image.tar").OK(t)
	short := kit.Must(kit.TempDir("mbp"))(t) // podman takes no longer path
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	podman := func(args ...string) string {
		return strings.TrimSpace(kit.Tool(t, dir, "podman", append([]string{"--root", filepath.Join(dir, "store"), "--runroot", short, "--storage-driver", "vfs"}, args...)...))
	}
	podman("load", "--quiet", "--input", "image.tar")
	if got := podman("images", "--format", "{{.Repository}}:{{.Tag}}"); got != ref {
		t.Errorf("podman calls it %q", got)
	}
	id := podman("image", "inspect", "--format", "{{.Id}} {{.Architecture}}", ref)
	if got := podman("pull", "--quiet", "oci:layout") + " amd64"; got != id {
		t.Errorf("of the folder it has %q, of the archive %q", got, id)
	}
}
