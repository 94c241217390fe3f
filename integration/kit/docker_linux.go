package kit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// enterDocker runs a Docker Engine inside a root file system of its own. A
// plain chroot would not do: runc needs its root to be a mount point. Nothing
// is written into that root: all that changes lies in the folder $1, or in
// memory where that folder is on an overlay, which cannot carry another one.
const enterDocker = `set -eu
mount --make-rprivate /
mount --bind "$2" "$2"
cd "$2"
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir run/host
mount --bind "$1" run/host
if [ "$(stat -f -c %T "$1")" = overlayfs ]; then
	mount -t tmpfs tmpfs var/lib/docker
else
	mount --bind "$1/data" var/lib/docker
fi
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount --bind /etc/resolv.conf etc/resolv.conf
pivot_root . mnt
cd /
umount -l mnt
group=$3
shift 3
exec /usr/sbin/dockerd --config-file /run/host/daemon.json --host unix:///run/host/docker.sock \
	--log-level warn --cgroup-parent "$group" "$@"
`

// dockerRoot is a Debian root file system with a Docker Engine, made once and
// kept. Its packages come from where the base's come from.
var dockerRoot = sync.OnceValues(func() (string, error) {
	tar, err := Debian()
	if err != nil {
		return "", err
	}
	sources, err := exec.Command("tar", "-xOf", tar, "./etc/apt/sources.list").Output()
	if err != nil {
		return "", fmt.Errorf("the base does not say where its packages come from: %w", err)
	}
	return Kept("docker", func(partial string) error { return makeDockerRoot(partial, sources) })
})

func makeDockerRoot(root string, sources []byte) error {
	cmd := exec.Command("mmdebstrap", "--quiet", "--variant=apt", "--dpkgopt=force-unsafe-io", "--include=docker.io,docker-cli,docker-buildx,ca-certificates,mount",
		"trixie", root, "-")
	cmd.Stdin = bytes.NewReader(sources)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make a root with Docker: %w\n%s", err, out)
	}
	return os.MkdirAll(filepath.Join(root, "var/lib/docker"), 0o710)
}

// DockerSetup is what kind of Docker Engine a test needs. The zero value has the
// containerd image store and the machine's network, which it leaves as it is:
// no bridge, no rules of a packet filter. Containers and commands of a build
// must then ask for that network.
type DockerSetup struct {
	Classic bool // the classic image store
	Bridge  bool // a bridge, in a network of its own that leads nowhere
}

func (s DockerSetup) namespaces() uintptr {
	if s.Bridge {
		return syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET
	}
	return syscall.CLONE_NEWNS | syscall.CLONE_NEWPID
}

func (s DockerSetup) flags() []string {
	if s.Bridge {
		return nil
	}
	return []string{"--iptables=false", "--ip6tables=false", "--bridge=none"}
}

// Docker is a Docker Engine that belongs to one test.
type Docker struct {
	DockerSetup
	Host string // its address, as DOCKER_HOST takes it
	Dir  string
	Cmd  *exec.Cmd
	log  string
	done chan error
}

// StartDocker starts a Docker Engine and stops it when the test ends. A Docker
// that the machine has is left alone.
func StartDocker(t *testing.T, setup DockerSetup) *Docker {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a Docker Engine of the test's own needs root")
	}
	BaseTar(t) // skips where there is no Debian to take Docker from
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		t.Skip("mmdebstrap is not installed (make tools does it)")
	}
	root := Must(dockerRoot())(t)
	// The folders of t.TempDir are too long for a socket.
	dir := Must(TempDir("mbd"))(t)
	d := &Docker{DockerSetup: setup, Host: "unix://" + dir + "/docker.sock", Dir: dir, log: filepath.Join(dir, "log"), done: make(chan error, 1)}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o710); err != nil {
		t.Fatal(err)
	}
	WriteFile(t, filepath.Join(dir, "daemon.json"), fmt.Sprintf(`{"features": {"containerd-snapshotter": %t}}`, !d.Classic))
	t.Cleanup(func() { d.remove(t) })
	d.start(t, root)
	return d
}

// start runs the engine as the first process of a PID namespace: whatever
// becomes of the engine, nothing that it started outlives it.
func (d *Docker) start(t *testing.T, root string) {
	t.Helper()
	log := Must(os.Create(d.log))(t)
	defer log.Close()
	started := time.Now()
	d.Cmd = exec.Command("sh", append([]string{"-c", enterDocker, "docker", d.Dir, root, d.cgroup()}, d.flags()...)...)
	d.Cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	d.Cmd.Stdout, d.Cmd.Stderr = log, log
	d.Cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: d.namespaces(), Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := d.Cmd.Start(); err != nil {
		t.Skipf("this machine does not let Docker have namespaces: %v", err)
	}
	go func() { d.done <- d.Cmd.Wait() }()
	t.Cleanup(func() { d.stop(t) })
	d.wait(t)
	t.Logf("Docker answered after %s", time.Since(started).Round(10*time.Millisecond))
}

// wait returns when the engine answers.
func (d *Docker) wait(t *testing.T) {
	t.Helper()
	limit := time.After(time.Minute)
	for !d.answers() {
		select {
		case err := <-d.done:
			d.done <- err // for stop
			t.Fatalf("Docker did not start (%v):\n%s", err, Must(os.ReadFile(d.log))(t))
		case <-limit:
			t.Fatalf("Docker does not answer:\n%s", Must(os.ReadFile(d.log))(t))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (d *Docker) answers() bool {
	api := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", d.Dir+"/docker.sock")
	}}}
	resp, err := api.Get("http://docker/_ping")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stop ends the engine, by its own means while it has some.
func (d *Docker) stop(t *testing.T) {
	_ = d.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-d.done:
		if err != nil {
			t.Logf("Docker ended: %v", err)
		}
	case <-time.After(time.Minute):
		_ = d.Cmd.Process.Kill()
		t.Log(<-d.done)
		t.Error("Docker had to be killed")
	}
	if t.Failed() {
		t.Logf("Docker's log ends:\n%s", Last(40, string(Must(os.ReadFile(d.log))(t))))
	}
}

// remove takes away what the engine kept on disk and its control groups.
func (d *Docker) remove(t *testing.T) {
	mounts := Must(os.ReadFile("/proc/self/mountinfo"))(t)
	if strings.Contains(string(mounts), d.Dir+"/") {
		t.Errorf("Docker left mounts below %s", d.Dir)
		return // they may lead anywhere
	}
	if err := os.RemoveAll(d.Dir); err != nil {
		t.Error(err)
	}
	for _, group := range d.cgroups() {
		if err := os.Remove(group); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Docker left processes: %v", err)
		}
	}
}

func (d *Docker) cgroup() string { return "/" + filepath.Base(d.Dir) }

// cgroups are the folders of the engine's control groups, inner ones first.
func (d *Docker) cgroups() []string {
	var out []string
	for _, pattern := range []string{"/*", ""} {
		for _, hierarchy := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
			found, _ := filepath.Glob(hierarchy + d.cgroup() + pattern)
			for _, f := range found {
				if info, err := os.Stat(f); err == nil && info.IsDir() {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// Client is Docker's own command, the one inside the engine's root.
func (d *Docker) Client(args ...string) *exec.Cmd {
	return d.clientAt("docker.sock", args...)
}

func (d *Docker) clientAt(socket string, args ...string) *exec.Cmd {
	inside := []string{fmt.Sprintf("/proc/%d/root", d.Cmd.Process.Pid), "docker", "--host", "unix:///run/host/" + socket}
	cmd := exec.Command("chroot", append(inside, args...)...)
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root")
	return cmd
}

// Command puts the docker command in PATH, for what calls it by its name.
func (d *Docker) Command(t *testing.T, socket string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nexec " + strings.Join(d.clientAt(socket).Args, " ") + ` "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// Only makes the engine the one that this test's commands find, and returns
// where our own would keep its state.
func (d *Docker) Only(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/run/buildkit/buildkitd.sock"); err == nil {
		t.Skip("this machine has a buildkitd running, which comes before Docker")
	}
	for _, name := range []string{"BUILDKIT_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR"} {
		t.Setenv(name, "")
	}
	own := filepath.Join(d.Dir, "own")
	t.Setenv("MEDBUILD_ROOT", own)
	t.Setenv("DOCKER_HOST", d.Host)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(d.Dir, "cache"))
	return own
}

// Beside makes the engine one of two that this test's commands find, our own
// being the other, and returns our own's root.
func (d *Docker) Beside(t *testing.T) string {
	t.Helper()
	own := EmptyEngine(t)
	cache := os.Getenv("XDG_CACHE_HOME")
	d.Only(t)
	t.Setenv("MEDBUILD_ROOT", own)
	t.Setenv("XDG_CACHE_HOME", cache)
	return own
}
