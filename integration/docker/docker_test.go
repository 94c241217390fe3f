//go:build linux

package docker

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
)

const forDocker = `
[image]
name = "medbuild/docker-test"
version = "1.0"

[bases.trixie]
tar = "BASE"

[components.ants]
version = "2.5.4"
distribution = true

[targets.bare]
base = "trixie"
components = []

[targets.brain]
base = "trixie"
components = ["ants"]
`

// reference is what standard output has to be: one line, a reference with its
// digest.
var reference = regexp.MustCompile(`^[a-z0-9.:/-]+@sha256:[0-9a-f]{64}\n$`)

// TestDockerBuildsAndRuns is the way most laptops take: a Docker with the
// containerd image store is the engine, and has the image afterwards.
func TestDockerBuildsAndRuns(t *testing.T) {
	d := kit.StartDocker(t, kit.DockerSetup{})
	own := d.Only(t)
	build := []string{"build", "-f", forDockerFile(t), "--target", "ants", "--progress", "plain"}
	built := kit.Medbuild(t, build...).OK(t)
	if !reference.MatchString(built.Stdout) {
		t.Errorf("standard output is %q", built.Stdout)
	}
	if !strings.Contains(built.Stderr, "in Docker: docker run --rm -it medbuild/docker-test-ants:1.0\n") {
		t.Errorf("the summary does not say where the image is:\n%s", kit.Last(8, built.Stderr))
	}
	for _, name := range []string{strings.TrimSpace(built.Stdout), "medbuild/docker-test-ants:1.0"} {
		asked := kit.Finish(t, d.Client("run", "--rm", "--network", "host", name, "N4BiasFieldCorrection", "--version")).OK(t)
		if !strings.Contains(asked.Stdout, "ANTs Version: 2.5.4") {
			t.Errorf("%s answers %q", name, asked.Stdout)
		}
	}
	again := kit.Medbuild(t, build...).OK(t)
	if again.Stdout != built.Stdout {
		t.Errorf("the second build made %s, the first %s", again.Stdout, built.Stdout)
	}
	if rows := regexp.MustCompile(`(?m)^  \w+ +(built|cached)\b`).FindAllStringSubmatch(again.Stderr, -1); len(rows) < 4 || strings.Contains(kit.Last(8, again.Stderr), " built ") {
		t.Errorf("the second build built something:\n%s", kit.Last(8, again.Stderr))
	}
	ran := kit.Medbuild(t, "run", "-f", build[2], "--target", "ants", "--", "N4BiasFieldCorrection", "--version").OK(t)
	if !strings.Contains(ran.Stdout, "ANTs Version: 2.5.4") {
		t.Errorf("medbuild run says %q", ran.Stdout)
	}
	if _, err := os.Stat(own); err == nil {
		t.Error("our own engine was started beside Docker")
	}
}

// TestDockerWithBridge runs a command on the network that Docker gives where it
// is not told to have none.
func TestDockerWithBridge(t *testing.T) {
	d := kit.StartDocker(t, kit.DockerSetup{Bridge: true})
	d.Only(t)
	ran := kit.Medbuild(t, "run", "-f", forDockerFile(t), "--target", "bare", "--", "cat", "/proc/net/route").OK(t)
	if !regexp.MustCompile(`(?m)^eth0\s+00000000\s`).MatchString(ran.Stdout) {
		t.Errorf("the command has no way out through a bridge:\n%s", ran.Stdout)
	}
}

// TestDockerPushes sends an image to a registry; Docker has it as well.
func TestDockerPushes(t *testing.T) {
	d := kit.StartDocker(t, kit.DockerSetup{})
	d.Only(t)
	server := httptest.NewServer(kit.EmptyRegistry())
	t.Cleanup(server.Close)
	name := strings.TrimPrefix(server.URL, "http://") + "/medbuild/bare:1.0"
	file := forDockerFile(t)
	built := kit.Medbuild(t, "build", "-f", file, "--target", "bare", "--tag", name, "--push").OK(t)
	digest, err := crane.Digest(name)
	if err != nil {
		t.Fatal(err)
	}
	if built.Stdout != name+"@"+digest+"\n" {
		t.Errorf("pushed %s, standard output is %q", digest, built.Stdout)
	}
	if !strings.Contains(built.Stderr, "pushed to "+name) {
		t.Errorf("the summary does not say so:\n%s", kit.Last(8, built.Stderr))
	}
	kit.Finish(t, d.Client("image", "inspect", name)).OK(t)

	archive := filepath.Join(t.TempDir(), "bare.tar")
	saved := kit.Medbuild(t, "build", "-f", file, "--target", "bare", "--output", "type=docker", "--output", "type=docker,dest="+archive).OK(t)
	if !strings.HasSuffix(saved.Stdout, "@"+digest+"\n") {
		t.Errorf("the same image in an archive is %q, in the registry %s", saved.Stdout, digest)
	}
	kit.Finish(t, d.Client("image", "inspect", "medbuild/docker-test:1.0")).OK(t)
	kit.Finish(t, d.Client("image", "rm", "medbuild/docker-test:1.0")).OK(t)
	loadArchive(t, d, archive)
}

// TestDockerClassicStore passes over a Docker that cannot merge, says why, and
// builds on our own engine.
func TestDockerClassicStore(t *testing.T) {
	d := kit.StartDocker(t, kit.DockerSetup{Classic: true})
	own := d.Beside(t)
	build := []string{"build", "-f", forDockerFile(t), "--target", "bare", "--progress", "plain"}
	built := kit.Medbuild(t, build...).OK(t)
	for _, said := range []string{
		"skipping Docker at " + d.Host, "classic image store", `hint: to build in Docker, turn on its containerd image store: "features": {"containerd-snapshotter": true}`,
		"in the engine's cache; take it out with --output",
	} {
		if !strings.Contains(built.Stderr, said) {
			t.Errorf("it does not say %q:\n%s", said, built.Stderr)
		}
	}
	if _, err := os.Stat(own); err != nil {
		t.Errorf("it was not built on our own engine: %v", err)
	}
	if r := kit.Medbuild(t, append(build, "--engine", "docker")...); r.Code != 1 || !strings.Contains(r.Stderr, "classic image store") {
		t.Errorf("Docker as the only engine: exit code %d\n%s", r.Code, r.Stderr)
	}
}

// TestDockerLoad gets images of our own engine into a Docker with the classic
// store, which takes the layers as they are.
func TestDockerLoad(t *testing.T) {
	d := kit.StartDocker(t, kit.DockerSetup{Classic: true})
	d.Beside(t)
	build := []string{"build", "-f", forDockerFile(t), "--target", "bare", "--progress", "plain"}
	d.Command(t, "none.sock")
	if r := kit.Medbuild(t, append(build, "--output", "type=docker")...); r.Code != 1 || !strings.Contains(r.Stderr, "docker load") || !strings.Contains(r.Stderr, "Cannot connect") {
		t.Errorf("no Docker to load into: exit code %d\n%s", r.Code, r.Stderr)
	}
	d.Command(t, "docker.sock")
	loaded := kit.Medbuild(t, append(build, "--output", "type=docker")...).OK(t)
	if !strings.Contains(loaded.Stderr, "in Docker: docker run --rm -it medbuild/docker-test:1.0\n") {
		t.Errorf("the summary does not say where the image is:\n%s", kit.Last(8, loaded.Stderr))
	}
	answersFrom(t, d, "medbuild/docker-test:1.0")

	archive := filepath.Join(t.TempDir(), "bare.tar")
	kit.Medbuild(t, append(build, "--tag", "medbuild/archive:2", "--output", "type=docker,dest="+archive)...).OK(t)
	loadArchive(t, d, archive)
	answersFrom(t, d, "medbuild/archive:2")
}

func forDockerFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(kit.Project(t, forDocker), "components.toml")
}

// loadArchive gives Docker an archive.
func loadArchive(t *testing.T, d *kit.Docker, archive string) {
	t.Helper()
	cmd := d.Client("load")
	in := kit.Must(os.Open(archive))(t)
	defer in.Close()
	cmd.Stdin = in
	if r := kit.Finish(t, cmd).OK(t); !strings.Contains(r.Stdout, "Loaded image") {
		t.Errorf("docker load says %q", r.Stdout)
	}
}

// answersFrom runs a program of an image made of the base alone.
func answersFrom(t *testing.T, d *kit.Docker, name string) {
	t.Helper()
	r := kit.Finish(t, d.Client("run", "--rm", "--network", "host", name, "cat", "/etc/os-release")).OK(t)
	if !strings.Contains(r.Stdout, "trixie") {
		t.Errorf("%s says %q", name, r.Stdout)
	}
}

// TestDockerHasService is how the publishing pipeline of oSPARC is fed: the
// image is in Docker's store, under the service's name and with its labels.
func TestDockerHasService(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Docker Engine; run without -short")
	}
	d := kit.StartDocker(t, kit.DockerSetup{})
	d.Only(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1788177600")
	dir := standins.Osparc(t)
	for _, output := range []string{"type=docker", "type=docker,oci-mediatypes=false"} {
		kit.Finish(t, kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--target", "runner", "--output", output))).OK(t)
		name := "simcore/services/comp/runner-medimproc:1.5.0"
		labels := kit.Finish(t, d.Client("image", "inspect", "--format", "{{json .Config.Labels}}", name)).OK(t).Stdout
		for _, want := range []string{`"simcore.service.restart-policy":"no-restart"`, `"io.simcore.version":"{\"version\":\"1.5.0\"}"`} {
			if !strings.Contains(labels, want) {
				t.Errorf("%s: no %s in %s", output, want, labels)
			}
		}
		kit.Finish(t, d.Client("image", "rm", name)).OK(t)
	}
}
