package engine

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/connhelper"
)

// openDocker connects to the BuildKit inside a Docker Engine and probes it.
func openDocker(ctx context.Context, host string) (*Engine, error) {
	dial, err := dockerDialer(host)
	if err != nil {
		return nil, err
	}
	// A closed port is said in Docker's terms, before gRPC wraps it.
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("not running, or not accessible (%w)", err)
	}
	conn.Close()
	p := newPulse()
	c, err := client.New(ctx, "", dial.grpc(), dial.session(), p.listen())
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if err := probe(ctx, c, patience(host)); err != nil {
		return nil, errors.Join(dockerHint(err), c.Close())
	}
	bridge, err := dial.hasBridge(ctx)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return opened(&Engine{Kind: Docker, Address: host, Client: c, HostNetwork: !bridge}, p), nil
}

func dockerHint(err error) error {
	if !errors.Is(err, errCannotMerge) {
		return err
	}
	return problem.Wrapf("%w: it uses its classic image store", err).
		Hint(`to build in Docker, turn on its containerd image store: "features": {"containerd-snapshotter": true} in /etc/docker/daemon.json, then restart Docker`)
}

// dockerHost returns the address of the Docker Engine: the given one, else
// $DOCKER_HOST, else the current context's, else the default socket.
func (f finder) dockerHost(given string) (string, error) {
	if strings.HasPrefix(given, "/") {
		return "unix://" + given, nil
	}
	if given != "" {
		return "tcp://" + given, nil
	}
	if host := f.getenv("DOCKER_HOST"); host != "" {
		return host, nil
	}
	return f.contextHost()
}

// contextHost reads the address of Docker's current context, the way Docker
// Desktop and rootless Docker say where they listen. The layout is that of the
// docker command's configuration folder: config.json names the context, and
// contexts/meta/<sha256 of the name>/meta.json describes it.
func (f finder) contextHost() (string, error) {
	dir := first(f.getenv("DOCKER_CONFIG"), below(f.getenv("HOME"), ".docker"))
	name := first(f.getenv("DOCKER_CONTEXT"), currentContext(dir))
	if name == "" || name == "default" {
		return f.dockerSocket, nil
	}
	sum := sha256.Sum256([]byte(name))
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := readJSON(filepath.Join(dir, "contexts/meta", hex.EncodeToString(sum[:]), "meta.json"), &meta); err != nil {
		return "context " + name, fmt.Errorf("reading the context: %w", err)
	}
	return first(meta.Endpoints["docker"].Host, f.dockerSocket), nil
}

func currentContext(dir string) string {
	var config struct {
		CurrentContext string `json:"currentContext"`
	}
	if err := readJSON(filepath.Join(dir, "config.json"), &config); err != nil {
		return ""
	}
	return config.CurrentContext
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// dockerConn opens a plain connection to a Docker Engine's API.
type dockerConn func(context.Context) (net.Conn, error)

func dockerDialer(host string) (dockerConn, error) {
	u, err := url.Parse(host)
	if err != nil {
		return nil, fmt.Errorf("not an address: %w", err)
	}
	switch {
	case u.Scheme == "unix":
		return dialNet("unix", u.Path), nil
	case (u.Scheme == "tcp" || u.Scheme == "http") && os.Getenv("DOCKER_TLS_VERIFY") == "":
		return dialNet("tcp", u.Host), nil
	case u.Scheme == "npipe":
		return dialPipe(host)
	}
	return nil, problem.Failedf("this kind of Docker address is not supported").
		Hint("reach that Docker through a buildkitd container in it: docker run -d --privileged --name buildkitd moby/buildkit, then --engine docker-container://buildkitd")
}

func dialNet(network, address string) dockerConn {
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

// dialPipe opens a Windows named pipe with BuildKit's own helper.
func dialPipe(host string) (dockerConn, error) {
	h, err := connhelper.GetConnectionHelper(host)
	if err != nil {
		return nil, fmt.Errorf("opening the pipe: %w", err)
	}
	return func(ctx context.Context) (net.Conn, error) { return h.ContextDialer(ctx, host) }, nil
}

// grpc carries the control API: POST /grpc, upgraded to HTTP/2.
func (d dockerConn) grpc() client.ClientOpt {
	return client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return d.upgrade(ctx, "/grpc", "h2c", nil)
	})
}

// session carries files, secrets and credentials back to the engine:
// POST /session, with headers that say what this session offers.
func (d dockerConn) session() client.ClientOpt {
	return client.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
		return d.upgrade(ctx, "/session", proto, meta)
	})
}

// upgrade turns a connection to the API into a raw one that speaks proto.
func (d dockerConn) upgrade(ctx context.Context, path, proto string, header map[string][]string) (net.Conn, error) {
	conn, err := d(ctx)
	if err != nil {
		return nil, err
	}
	// A context that ends during the handshake unblocks it by closing.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	up, err := handshake(conn, path, proto, header)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("docker's %s: %w", path, err)
	}
	return up, nil
}

func handshake(conn net.Conn, path, proto string, header http.Header) (net.Conn, error) {
	req, err := http.NewRequest(http.MethodPost, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", proto)
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(conn)
	resp, err := http.ReadResponse(buffered, req) //nolint:bodyclose // after an upgrade the connection is the body
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("no upgrade to %s: %s", proto, resp.Status)
	}
	return &readAhead{conn, buffered}, nil
}

// readAhead is a connection whose first bytes may have come along with the
// answer to the upgrade.
type readAhead struct {
	net.Conn
	buffered *bufio.Reader
}

// Read returns what came along first, then the connection's own bytes.
func (r *readAhead) Read(p []byte) (int, error) { return r.buffered.Read(p) }
