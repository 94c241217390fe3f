package output

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
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
		"type=oci,dest=x,tar=no":    "tar=no is neither true nor false",
		"a,b":                       `"a" is not key=value`,
	} {
		_, err := ParseOutput(given)
		testkit.WantText(t, err, want)
	}
}

func entry(t *testing.T, o Output) client.ExportEntry {
	t.Helper()
	e, err := o.Entry([]string{"a:1"}, 0, false)
	check(t, err)
	return e
}

// open is what the exporter writes to.
func open(t *testing.T, e client.ExportEntry) io.WriteCloser {
	t.Helper()
	w, err := e.Output(nil)
	check(t, err)
	return w
}

// A file has its name only once it is complete.
func TestFileOutput(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "image.tar")
	o := parsed(t, "type=oci,dest="+path)
	for _, built := range []bool{false, true} {
		w := open(t, entry(t, o))
		_, err := io.WriteString(w, "image")
		check(t, errors.Join(err, w.Close()))
		if exists(path) {
			t.Error("it has its name before it is complete")
		}
		check(t, o.Finish(built))
		if exists(path) != built || exists(path+partialSuffix) {
			t.Errorf("built %t: the file is there: %t", built, exists(path))
		}
	}
	if _, err := entry(t, parsed(t, "type=oci,dest="+path+"/below")).Output(nil); err == nil {
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

// Files go beside their place, unless that has files already.
func TestLocalOutput(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	o := parsed(t, dir)
	for i, name := range []string{"first", "second"} {
		w := open(t, entry(t, o))
		_, err := w.Write(archive(t, name))
		check(t, errors.Join(err, w.Close(), w.Close()))
		if exists(filepath.Join(dir, name)) != (i > 0) {
			t.Errorf("%s is in its place before the end: %t", name, i == 0)
		}
		check(t, o.Finish(true))
	}
	if !exists(filepath.Join(dir, "first")) || !exists(filepath.Join(dir, "second")) || exists(dir+partialSuffix) {
		t.Error("files are missing")
	}
	w := open(t, entry(t, o))
	_, err := io.WriteString(w, strings.Repeat("no archive", 100))
	if err = errors.Join(err, w.Close()); err == nil {
		t.Error("what is no archive was taken")
	}
	if _, err := entry(t, parsed(t, filepath.Join(dir, "first"))).Output(nil); err == nil {
		t.Error("a file is a folder")
	}
}

func TestOtherEntries(t *testing.T) {
	t.Parallel()
	if e := entry(t, parsed(t, "type=oci,dest=out,tar=false")); e.OutputDir != "out" || e.Output != nil {
		t.Errorf("%+v", e)
	}
	check(t, parsed(t, "type=oci,dest=out,tar=false").Finish(true))
	check(t, open(t, entry(t, parsed(t, "-"))).Close())
	if _, err := os.Stdout.Stat(); err != nil {
		t.Errorf("standard output is closed: %v", err)
	}
}

func TestFullOutput(t *testing.T) {
	t.Parallel()
	cause := errors.New("write")
	if err := Full([]client.ExportEntry{{OutputDir: t.TempDir()}}, "", cause); err != nil {
		t.Error(err)
	}
	err := Full(nil, "/data/out.tar.partial", cause)
	testkit.WantText(t, err, "write /data/out.tar: no space left on device\nhint: free some space")
	if !errors.Is(err, cause) || problem.ExitCode(err) != 1 {
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
	w := open(t, entry(t, parsed(t, "type=docker")))
	_, err := io.WriteString(w, "image")
	check(t, errors.Join(err, w.Close(), w.Close()))
	if data, err := os.ReadFile(os.Getenv("LOADED")); err != nil || string(data) != "load --quiet\nimage" {
		t.Errorf("%q, %v", data, err)
	}
}

// What docker load says when it ends early is the error, not the broken pipe.
func TestDockerLoadFails(t *testing.T) {
	docker(t, `echo "no daemon" >&2; exit 1`)
	w := open(t, entry(t, parsed(t, "type=docker")))
	var err error
	for err == nil {
		_, err = w.Write(make([]byte, 1<<16))
	}
	testkit.WantText(t, err, "docker load: exit status 1: no daemon")
	docker(t, `echo "bad image" >&2; cat >/dev/null; exit 3`)
	w = open(t, entry(t, parsed(t, "type=docker")))
	testkit.WantText(t, w.Close(), "docker load: exit status 3: bad image")
}

func TestWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		output   string
		inDocker bool
		want     string
	}{
		{"type=registry", false, "pushed to a:1"},
		{"type=docker", false, "in Docker: docker run --rm -it a:1"},
		{"type=image", true, "in Docker: docker run --rm -it a:1"},
		{"type=image", false, "in the engine's cache; take it out with --output type=oci,dest=PATH or --push"},
		{"-", false, "on standard output"},
		{"out", false, "in out"},
	} {
		if got := Where(parsed(t, c.output), "a:1", c.inDocker); got != c.want {
			t.Errorf("%s: %q, want %q", c.output, got, c.want)
		}
	}
}

// A folder that cannot be shared is left to the export.
func TestHoldLayoutsElsewhere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o644))
	check(t, HoldLayouts([]client.ExportEntry{{OutputDir: filepath.Join(file, "below")}, {Type: "tar"}}).Leave(true))
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
