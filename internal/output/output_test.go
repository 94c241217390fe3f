package output

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/moby/buildkit/client"
)

func parsed(t *testing.T, s string) Output {
	t.Helper()
	o, err := ParseOutput(s)
	check(t, err)
	return o
}

func TestParseOutput(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]Output{
		"out":                          {Type: "local", Dest: "out", Dir: true},
		"-":                            {Type: "tar", Dest: "-"},
		"type=local,dest=out":          {Type: "local", Dest: "out", Dir: true},
		"type=oci,dest=out,tar=false":  {Type: "oci", Dest: "out", Dir: true},
		"type=oci,dest=x.tar":          {Type: "oci", Dest: "x.tar"},
		"type=tar,dest=-":              {Type: "tar", Dest: "-"},
		"type=registry":                {Type: "image"},
		"type=docker,compression=gzip": {Type: "docker"},
	} {
		o := parsed(t, given)
		if o.Type != want.Type || o.Dest != want.Dest || o.Dir != want.Dir || o.ToStdout() != (want.Dest == "-") {
			t.Errorf("%s: %+v", given, o)
		}
	}
	if o := parsed(t, "type=registry"); o.Attrs["push"] != "true" {
		t.Errorf("%+v is not pushed", o)
	}
}

func TestParseOutputRefuses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"type=sif":                  "--output: type \"sif\" is unknown\nhint: types are oci",
		"type=oci":                  "--output: type oci needs dest\nhint: add dest=<path>",
		"type=oci,dest=-,tar=false": "a folder cannot go to standard output\nhint: leave tar=false out",
		"type=oci,dest=x,tar=no":    "tar=no is neither true nor false\nhint: ",
		"a,b":                       `"a" is not key=value`,

		"type=oci,dest=x,compression=lzma":                  "--output: compression=\"lzma\" is not known\nhint: compression is one of zstd, gzip",
		"type=oci,dest=x,squash=true":                       "--output: type oci has no attribute \"squash\"\nhint: it takes attestation-inline, compression,",
		"type=oci,dest=x,compression-level=high":            "hint: compression-level is a whole number",
		"type=oci,dest=x,force-compression=maybe":           "hint: force-compression is true or false",
		"type=oci,dest=x,push=true":                         "type oci has no attribute \"push\"",
		"type=oci,dest=x,name=A B":                          "hint: name is references of images",
		"type=local,dest=x,compression=gzip":                "type local has no attribute \"compression\"",
		"type=image,dest=x":                                 "type image takes no dest\nhint: type=oci,dest=x",
		"type=image,oci-mediatypes=false,compression=zstd":  "compression=zstd needs OCI media types\nhint: leave oci-mediatypes=false out",
		"type=image,oci-mediatypes=false,annotation.a=b":    "Docker's media types (oci-mediatypes=false) have no annotations\nhint: leave",
		"type=oci,dest=x,tar=false,oci-mediatypes=false":    "an OCI layout with oci-mediatypes=false cannot be read by skopeo, podman, buildah and umoci\nhint: ",
		"type=docker,dest=x,tar=false,oci-mediatypes=false": "an OCI layout with oci-mediatypes=false",
		"type=oci,dest=x,oci-mediatypes=0,tar=true":         "an OCI layout with oci-mediatypes=false",
	} {
		_, err := ParseOutput(given)
		testkit.WantText(t, err, want)
		if code := problem.ExitCode(err); code != 2 {
			t.Errorf("%s: exit code %d", given, code)
		}
	}
}

// delivered is an output on its way, released at the end of the test.
func delivered(t *testing.T, o Output) *Delivery {
	t.Helper()
	d, err := o.Deliver(t.Context(), Image{Names: []string{"example.org/a:1"}, Annotations: map[string]string{"base": "b"}}, nil)
	check(t, err)
	t.Cleanup(func() { check(t, d.Release()) })
	return d
}

func entry(t *testing.T, d *Delivery) client.ExportEntry {
	t.Helper()
	e, err := d.Entry()
	check(t, err)
	return e
}

// open is what the exporter writes to.
func open(t *testing.T, d *Delivery) io.WriteCloser {
	t.Helper()
	w, err := entry(t, d).Output(nil)
	check(t, err)
	return w
}

// A file has its name only once it is complete, and a retry begins it anew.
func TestFileOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "deep", "image.tar")
	o := parsed(t, "type=docker,dest="+path)
	for _, built := range []bool{false, true} {
		d := delivered(t, o)
		for _, text := range []string{"a first try", "image"} {
			w := open(t, d)
			_, err := io.WriteString(w, text)
			check(t, errors.Join(err, w.Close(), w.Close()))
		}
		if exists(path) {
			t.Error("it has its name before it is complete")
		}
		end := d.Abandon
		if built {
			end = func() error { return d.Commit(nil) }
		}
		check(t, end())
		if exists(path) != built {
			t.Errorf("built %t: the file is there: %t", built, exists(path))
		}
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "image" {
		t.Errorf("%q, %v", data, err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	if _, err := parsed(t, "type=oci,dest="+path+"/below").Deliver(t.Context(), Image{}, nil); err == nil {
		t.Error("a file is a folder")
	}
}

func archive(t *testing.T, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	check(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: 1, Uid: os.Getuid(), Gid: os.Getgid()}))
	_, err := io.WriteString(w, "x")
	check(t, errors.Join(err, w.Close()))
	return b.Bytes()
}

// An OCI archive that BuildKit wrote names its images by their whole references,
// and is otherwise what it was.
func TestArchiveOutput(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "image.tar")
	d := delivered(t, parsed(t, "type=oci,dest="+path))
	var sent bytes.Buffer
	a := tar.NewWriter(&sent)
	for name, text := range map[string]string{"blobs/sha256/x": "blob", "index.json": `{"manifests":[{"digest":"sha256:1","annotations":{"io.containerd.image.name":"example.org/a:1","org.opencontainers.image.ref.name":"1"}}]}`} {
		check(t, a.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}))
		_, err := io.WriteString(a, text)
		check(t, err)
	}
	check(t, a.Close())
	w := open(t, d)
	_, err := w.Write(sent.Bytes()[:514])
	if err = errors.Join(err, w.Close()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half an archive: %v", err)
	}
	testkit.WantText(t, d.Failed(errors.New("the engine's reason")), "the engine's reason")
	w = open(t, d)
	_, err = w.Write(sent.Bytes())
	check(t, errors.Join(err, w.Close(), w.Close(), d.Commit(nil)))
	got := contents(t, path)
	if got["blobs/sha256/x"] != "blob" || !strings.Contains(got["index.json"], `"org.opencontainers.image.ref.name":"example.org/a:1"`) {
		t.Errorf("%q", got)
	}
}

// contents is what the files of an archive hold.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	check(t, err)
	defer f.Close()
	out := map[string]string{}
	for a := tar.NewReader(f); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		check(t, err)
		data, err := io.ReadAll(a)
		check(t, err)
		out[h.Name] = string(data)
	}
}

// Files come to their place all at once, and are added to those that are there.
// What a killed run left is no part of them.
func TestLocalOutput(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	o := parsed(t, dir)
	for _, name := range []string{"first", "second"} {
		d := delivered(t, o)
		w := open(t, d)
		_, err := w.Write(archive(t, name))
		check(t, errors.Join(err, w.Close(), w.Close()))
		if exists(filepath.Join(dir, name)) {
			t.Errorf("%s is in its place before the end", name)
		}
		check(t, errors.Join(d.Commit(nil), d.Release()))
	}
	if held, err := os.ReadDir(dir); err != nil || len(held) != 2 || held[0].Name() != "first" {
		t.Errorf("%v, %v", held, err)
	}
	d := delivered(t, o)
	w := open(t, d)
	_, err := io.WriteString(w, strings.Repeat("no archive", 100))
	testkit.WantText(t, d.Failed(errors.Join(err, w.Close())), "write "+dir+": read the archive")
	check(t, d.Abandon())
}

func TestStandardOutputStaysOpen(t *testing.T) {
	t.Parallel()
	check(t, open(t, delivered(t, parsed(t, "-"))).Close())
	if _, err := os.Stdout.Stat(); err != nil {
		t.Errorf("standard output is closed: %v", err)
	}
}

// What went wrong here is told as it happened, and not as the engine heard of it.
func TestFailedOutput(t *testing.T) {
	t.Parallel()
	d := delivered(t, parsed(t, "type=oci,dest="+filepath.Join(t.TempDir(), "x.tar")))
	if err := d.Failed(nil); err != nil {
		t.Error(err)
	}
	testkit.WantText(t, d.Failed(errors.New("no")), "x.tar: no")
	if err := d.note(syscall.ENOSPC); err == nil {
		t.Error("the error is lost")
	}
	err := d.Failed(errors.New("failed to copy"))
	testkit.WantText(t, err, "x.tar: no space left on device\nhint: free some space")
	if !errors.Is(err, syscall.ENOSPC) || problem.ExitCode(err) != 1 {
		t.Errorf("%v", err)
	}
}

// docker puts a docker command with that script on the path.
func docker(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("LOADED", filepath.Join(dir, "loaded"))
}

func TestDockerLoad(t *testing.T) {
	docker(t, `echo "$@" >"$LOADED"; cat >>"$LOADED"`)
	w := open(t, delivered(t, parsed(t, "type=docker")))
	_, err := io.WriteString(w, "image")
	check(t, errors.Join(err, w.Close(), w.Close()))
	if data, err := os.ReadFile(os.Getenv("LOADED")); err != nil || string(data) != "load --quiet\nimage" {
		t.Errorf("%q, %v", data, err)
	}
}

// What docker load says when it ends early is the error, not the broken pipe.
func TestDockerLoadFails(t *testing.T) {
	docker(t, `echo "no daemon" >&2; exit 1`)
	w := open(t, delivered(t, parsed(t, "type=docker")))
	var err error
	for err == nil {
		_, err = w.Write(make([]byte, 1<<16))
	}
	testkit.WantText(t, err, "docker load: exit status 1: no daemon")
	docker(t, `echo "bad image" >&2; cat >/dev/null; exit 3`)
	w = open(t, delivered(t, parsed(t, "type=docker")))
	testkit.WantText(t, w.Close(), "docker load: exit status 3: bad image")
}

func TestWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		output   string
		inDocker bool
		want     string
	}{
		{"type=registry", false, "pushed to a:1, b:2"},
		{"type=registry,name=c:3", false, "pushed to c:3"},
		{"type=docker", false, "in Docker: docker run --rm -it a:1"},
		{"type=image", true, "in Docker: docker run --rm -it a:1"},
		{"type=image", false, "in the engine's cache; take it out with --output type=oci,dest=PATH or --push"},
		{"-", false, "on standard output"},
	} {
		d, err := parsed(t, c.output).Deliver(t.Context(), Image{Names: []string{"a:1", "b:2"}, InDocker: c.inDocker}, nil)
		check(t, err)
		if got := d.Where(); got != c.want {
			t.Errorf("%s: %q, want %q", c.output, got, c.want)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	if got := delivered(t, parsed(t, out)).Where(); got != "in "+out {
		t.Error(got)
	}
}

// Outputs of several targets are apart where each has a place of its own.
func TestOutputsOfSeveralTargets(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]struct {
		apart, byName bool
		dest          string
	}{
		"type=oci,dest=out/{target}.tar": {true, false, "out/one.tar"},
		"type=oci,dest=out.tar":          {false, false, "out.tar"},
		"type=image":                     {true, false, ""},
		"type=image,push=true":           {true, true, ""},
		"type=registry":                  {true, true, ""},
		"type=docker":                    {true, true, ""},
		"type=docker,dest={target}":      {true, false, "one"},
	} {
		o := parsed(t, given)
		if o.Apart() != want.apart || o.ByName() != want.byName || o.For("one").Dest != want.dest {
			t.Errorf("%s: apart %v, by name %v, to %q", given, o.Apart(), o.ByName(), o.For("one").Dest)
		}
	}
}
