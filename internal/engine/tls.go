package engine

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/moby/buildkit/client"
)

// TLS is how a connection to tcp:// is encrypted, and who this machine is to
// the engine. The zero value is a connection in clear.
type TLS struct {
	Dir  string // has all three files under the names that buildctl looks for; see [TLS.files]
	CA   string // file of the certificates that the engine's is checked with; empty: the system's
	Cert string // file of our certificate, which an engine with --tlscacert asks for
	Key  string // file of its key
	Name string // that the engine's certificate is for; empty: the host of the address
}

// used reports whether anything of TLS was asked for.
func (t TLS) used() bool { return t != TLS{} }

// check refuses what contradicts itself, before any file is read.
func (t TLS) check() error {
	switch {
	case t.Dir != "" && t.CA+t.Cert+t.Key != "":
		return problem.Usagef("--tls-dir together with --tls-ca, --tls-cert or --tls-key").
			Hint("--tls-dir has all three: give it alone, or name the files one by one")
	case (t.Cert == "") != (t.Key == ""):
		return problem.Usagef("--tls-cert and --tls-key belong together: one of them is missing")
	}
	return nil
}

// files is t with the files of its folder, in the layout of buildctl's --tlsdir
// (BuildKit, cmd/buildctl/common): ca.pem, cert.pem, key.pem as Docker names
// them, or ca.crt, tls.crt, tls.key as Kubernetes does.
func (t TLS) files() (TLS, error) {
	if t.Dir == "" {
		return t, nil
	}
	var errs [3]error
	t.CA, errs[0] = oneOf(t.Dir, "ca.pem", "ca.crt")
	t.Cert, errs[1] = oneOf(t.Dir, "cert.pem", "tls.crt")
	t.Key, errs[2] = oneOf(t.Dir, "key.pem", "tls.key")
	t.Dir = ""
	return t, errors.Join(errs[:]...)
}

func oneOf(dir, either, or string) (string, error) {
	for _, name := range []string{either, or} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	return "", problem.Failedf("--tls-dir %s has neither %s nor %s", dir, either, or)
}

// options are what BuildKit's client takes for the address: none in clear.
func (t TLS) options(address string) []client.ClientOpt {
	if !t.used() {
		return nil
	}
	name := first(t.Name, hostOf(address))
	server := client.WithServerConfig(name, t.CA)
	if t.CA == "" {
		server = client.WithServerConfigSystem(name)
	}
	if t.Cert == "" {
		return []client.ClientOpt{server}
	}
	return []client.ClientOpt{server, client.WithCredentials(t.Cert, t.Key)}
}

// hostOf is the host of an address, without its port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// inClear reports whether what is sent to an address can be read on the way:
// it is neither encrypted nor on this machine.
func inClear(address string, t TLS) bool {
	tcp := strings.HasPrefix(address, "tcp://") || strings.HasPrefix(address, "http://")
	return tcp && !t.used() && !isHere(hostOf(address))
}

// isHere reports whether a host is this machine. Names other than localhost
// (RFC 6761) are not looked up: what they mean can change until they are dialled.
func isHere(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || isOwn(ip))
}

func isOwn(ip net.IP) bool {
	all, _ := net.InterfaceAddrs() // without a list no address is ours
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// errClear is why a connection in clear to another machine is refused.
func errClear(address string) error {
	return problem.Usagef("%s is another machine, and the connection to it is not encrypted: registry passwords and secrets would be sent in clear text", address).
		Hint("give the engine's certificates with --tls-dir, reach it as ssh://, or add --insecure-engine if everybody on the network may read them")
}
