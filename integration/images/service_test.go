//go:build linux

package images

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/medbuild/medbuild/integration/kit"
)

// jovyan is the notebook user, workFolder where the platform mounts its folders.
const (
	jovyan     = "jovyan"
	workFolder = "/home/jovyan/work"
)

// platformID owns the folders that the platform mounts: user and group.
const platformID = 8004

// serviceSetup is how the platform starts a service: as the image's own user,
// by its entrypoint, with the platform's variables and mounted folders.
type serviceSetup struct {
	Image     string            // as the Docker Engine knows it
	Voila     bool              // shows workspace/voila.ipynb; else JupyterLab
	Owner     int               // user and group of the mounted folders; 0 is platformID, -1 is root
	Workspace map[string]string // files in the workspace, by name
	Inputs    map[string]string // files in the inputs, by name
	Options   []string          // more of docker run, in front of the image
	Command   []string          // arguments of the entrypoint

	// The container has a loopback and no way out, so that it takes no port of
	// the machine. Network is another of Docker's: "host".
	Network string
}

// service is a container that the platform would have started.
type service struct {
	docker *kit.Docker
	id     string
	dir    string // of the mounted folders: inputs, outputs, workspace
	client *http.Client

	notebooks int // opened so far
}

// startService starts a service and returns when its port answers. It is gone
// when the test ends.
func startService(t *testing.T, d *kit.Docker, setup serviceSetup) *service {
	t.Helper()
	started := time.Now()
	s := runService(t, d, setup)
	s.wait(t, setup.Voila)
	t.Logf("port 8888 answered after %s", time.Since(started).Round(100*time.Millisecond))
	return s
}

// runService starts a service and does not wait for it.
func runService(t *testing.T, d *kit.Docker, setup serviceSetup) *service {
	t.Helper()
	s := &service{docker: d, dir: kit.Must(os.MkdirTemp(d.Dir, "service"))(t)}
	args := []string{"run", "--detach", "--network", "none"}
	if setup.Network != "" {
		args[3] = setup.Network
	}
	args = append(append(args, s.folders(t, setup)...), setup.environment()...)
	args = append(append(append(args, setup.Options...), setup.Image), setup.Command...)
	s.id = strings.TrimSpace(kit.Finish(t, d.Client(args...)).OK(t).Stdout)
	t.Cleanup(func() { s.remove(t) })
	s.client = s.httpClient(t)
	return s
}

// folders makes the mounted ones and returns the options that mount them.
func (s *service) folders(t *testing.T, setup serviceSetup) []string {
	t.Helper()
	owner := setup.Owner
	switch owner {
	case 0:
		owner = platformID
	case -1:
		owner = 0
	}
	var args []string
	for name, files := range map[string]map[string]string{"inputs": setup.Inputs, "outputs": nil, "workspace": setup.Workspace} {
		dir := filepath.Join(s.dir, name)
		kit.NoError(t, os.Mkdir(dir, 0o755))
		for file, content := range files {
			kit.WriteFile(t, filepath.Join(dir, file), content)
		}
		kit.NoError(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(p, owner, owner))
		}))
		args = append(args, "--volume", path.Join("/run/host", filepath.Base(s.dir), name)+":"+workFolder+"/"+name)
	}
	return args
}

func (setup serviceSetup) environment() []string {
	mode := "0"
	if setup.Voila {
		mode = "1"
	}
	return []string{"--env", "DY_BOOT_OPTION_BOOT_MODE=" + mode,
		"--env", "DY_SIDECAR_PATH_INPUTS=" + workFolder + "/inputs", "--env", "DY_SIDECAR_PATH_OUTPUTS=" + workFolder + "/outputs"}
}

// wait returns when the port answers. Voila runs the notebook for each answer,
// so its settings are asked for something that is there in any case.
func (s *service) wait(t *testing.T, voila bool) {
	t.Helper()
	at := "/api"
	if voila {
		at = "/voila/static/voila.js"
	}
	limit := time.Now().Add(2 * time.Minute)
	for {
		if resp, err := s.client.Get("http://127.0.0.1:8888" + at); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if !s.running(t) || time.Now().After(limit) {
			t.Fatalf("the service does not answer at %s:\n%s", at, s.log(t))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *service) running(t *testing.T) bool {
	t.Helper()
	return s.inspect(t, "{{.State.Running}}") == "true"
}

// ended waits for the service's end and returns its exit code.
func (s *service) ended(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(kit.Finish(t, s.docker.Client("wait", s.id)).OK(t).Stdout)
}

// stop ends the service as the platform does and returns its exit code.
func (s *service) stop(t *testing.T) string {
	t.Helper()
	kit.Finish(t, s.docker.Client("stop", "--time", "30", s.id)).OK(t)
	return s.ended(t)
}

func (s *service) inspect(t *testing.T, format string) string {
	t.Helper()
	return strings.TrimSpace(kit.Finish(t, s.docker.Client("inspect", "--format", format, s.id)).OK(t).Stdout)
}

// log is what the service printed.
func (s *service) log(t *testing.T) string {
	t.Helper()
	r := kit.Finish(t, s.docker.Client("logs", s.id))
	return r.Stdout + r.Stderr
}

func (s *service) remove(t *testing.T) {
	if t.Failed() {
		t.Logf("the service's log ends:\n%s", kit.Last(40, s.log(t)))
	}
	kit.Finish(t, s.docker.Client("rm", "--force", "--volumes", s.id)).OK(t)
}

// exec runs a program beside the service, as the notebook user.
func (s *service) exec(t *testing.T, args ...string) kit.Result {
	t.Helper()
	return kit.Finish(t, s.docker.Client(append([]string{"exec", "--user", jovyan, s.id}, args...)...))
}

// login runs a line in a login shell of the notebook user, with no more of an
// environment than the image's.
func (s *service) login(t *testing.T, line string) kit.Result {
	t.Helper()
	return s.exec(t, "bash", "-l", "-i", "-c", line)
}

// get asks the service's port.
func (s *service) get(t *testing.T, at string) (status int, body string) {
	t.Helper()
	resp, err := s.client.Get("http://127.0.0.1:8888" + at)
	kit.NoError(t, err)
	defer resp.Body.Close()
	return resp.StatusCode, string(kit.Must(io.ReadAll(resp.Body))(t))
}

// loadLayout gives Docker the image of an OCI layout folder under the name,
// which has a tag and no registry.
func loadLayout(t *testing.T, d *kit.Docker, dir, name string) {
	t.Helper()
	started := time.Now()
	cmd := d.Client("load")
	in, out := io.Pipe()
	cmd.Stdin = in
	go func() { out.CloseWithError(tarLayout(out, dir, name)) }()
	if r := kit.Finish(t, cmd).OK(t); !strings.Contains(r.Stdout, "Loaded image: "+name) {
		t.Fatalf("docker load says %q, not the name %s", r.Stdout, name)
	}
	t.Logf("docker load of %s took %s", name, time.Since(started).Round(100*time.Millisecond))
}

// tarLayout writes the layout as a tar in which the image has the name.
func tarLayout(to io.Writer, dir, name string) error {
	index, err := namedIndex(filepath.Join(dir, "index.json"), name)
	if err != nil {
		return err
	}
	w := tar.NewWriter(to)
	for _, part := range []string{"oci-layout", "blobs"} {
		if err := addTree(w, dir, part); err != nil {
			return err
		}
	}
	h := &tar.Header{Name: "index.json", Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(index))}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if _, err := w.Write(index); err != nil {
		return err
	}
	return w.Close()
}

// namedIndex is the index with the name where containerd and Docker look for it.
func namedIndex(file, name string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, err
	}
	if len(index.Manifests) != 1 {
		return nil, fmt.Errorf("%s has %d images", file, len(index.Manifests))
	}
	_, tag, _ := strings.Cut(name, ":")
	index.Manifests[0].Annotations = map[string]string{"io.containerd.image.name": "docker.io/" + name, "org.opencontainers.image.ref.name": tag}
	return json.Marshal(index)
}

func addTree(w *tar.Writer, dir, part string) error {
	return filepath.WalkDir(filepath.Join(dir, part), func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: rel, Typeflag: tar.TypeReg, Mode: 0o644, Size: info.Size()}); err != nil {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}
