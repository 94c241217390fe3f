package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// authority is a CA of the tests.
type authority struct {
	*testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	a := authority{T: t, key: newKey(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	a.must(err)
	a.cert, err = x509.ParseCertificate(der)
	a.must(err)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a authority) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// folder is one for --tls-dir, with a certificate for the host that ends then.
func (a authority) folder(host string, end time.Time, names ...string) string {
	a.Helper()
	dir, key := a.TempDir(), newKey(a.T)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: end.Add(-24 * time.Hour), NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	if template.DNSNames = []string{host}; net.ParseIP(host) != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{net.ParseIP(host)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	a.must(err)
	private, err := x509.MarshalECPrivateKey(key)
	a.must(err)
	if names == nil {
		names = []string{"ca.pem", "cert.pem", "key.pem"}
	}
	for i, block := range []pem.Block{{Type: "CERTIFICATE", Bytes: a.cert.Raw}, {Type: "CERTIFICATE", Bytes: der}, {Type: "EC PRIVATE KEY", Bytes: private}} {
		a.must(os.WriteFile(filepath.Join(dir, names[i]), pem.EncodeToMemory(&block), 0o600))
	}
	return dir
}

// serve is a BuildKit with the certificate of the folder that wants one of this
// authority, and its address.
func (a authority) serve(dir string) string {
	a.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	a.must(err)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"h2"}}
	l := fake{workers: 1, options: []grpc.ServerOption{grpc.Creds(credentials.NewTLS(config))}}.listen(a.T, "tcp", "127.0.0.1:0")
	return "tcp://" + l.Addr().String()
}

// Each thing that can be wrong with TLS has words of its own, and what is right
// in either layout of the folder works.
func TestTLS(t *testing.T) {
	t.Parallel()
	tomorrow, yesterday := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	ours, other := newAuthority(t, "ours"), newAuthority(t, "other")
	engine := ours.serve(ours.folder("127.0.0.1", tomorrow))
	plain := "tcp://" + fake{workers: 1}.listen(t, "tcp", "127.0.0.1:0").Addr().String()
	good, ca := ours.folder("me", tomorrow), filepath.Join(other.folder("me", tomorrow), "ca.pem")
	lies := TLS{CA: filepath.Join(good, "ca.pem"), Cert: filepath.Join(other.folder("me", tomorrow), "cert.pem")}
	lies.Key = filepath.Join(filepath.Dir(lies.Cert), "key.pem")
	named := ours.serve(ours.folder("builder", tomorrow))
	for name, c := range map[string]struct {
		address string
		tls     TLS
		want    []string // none: it works
	}{
		"folder":            {engine, TLS{Dir: good}, nil},
		"Kubernetes folder": {engine, TLS{Dir: ours.folder("me", tomorrow, "ca.crt", "tls.crt", "tls.key")}, nil},
		"files":             {engine, TLS{CA: filepath.Join(good, "ca.pem"), Cert: filepath.Join(good, "cert.pem"), Key: filepath.Join(good, "key.pem")}, nil},
		"name":              {named, TLS{Dir: good, Name: "builder"}, nil},
		"no certificate":    {engine, TLS{CA: filepath.Join(good, "ca.pem")}, []string{"requires a client certificate", "hint: --tls-cert"}},
		"wrong CA":          {engine, TLS{CA: ca}, []string{"not signed by a CA of " + ca, "hint: --tls-ca"}},
		"system's CAs":      {engine, TLS{Name: "127.0.0.1"}, []string{"not signed by a CA of this system", "hint: --tls-ca"}},
		"wrong name":        {named, TLS{Dir: good}, []string{"for another name", "127.0.0.1", "hint: --tls-server-name"}},
		"expired":           {ours.serve(ours.folder("127.0.0.1", yesterday)), TLS{Dir: good}, []string{"its certificate is valid from", "not now", "hint: renew"}},
		"ours is expired":   {engine, TLS{Dir: ours.folder("me", yesterday)}, []string{"rejects the client certificate", "not valid now", "hint: renew it"}},
		"ours is another's": {engine, lies, []string{"rejects the client certificate", "its CA did not sign it", "hint: --tls-cert"}},
		"engine in clear":   {plain, TLS{Dir: good}, []string{"does not use TLS", "hint: leave out"}},
		"we in clear":       {engine, TLS{}, []string{"may require TLS", "hint: give the certificates for it with --tls-dir"}},
		"no folder":         {engine, TLS{Dir: "/nowhere"}, []string{"--tls-dir /nowhere has neither ca.pem nor ca.crt", "tls.key"}},
		"no file":           {engine, TLS{CA: "/nowhere/ca"}, []string{"/nowhere/ca: no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := bareMachine(t, nil).find(t.Context(), Options{Address: c.address, TLS: c.tls})
			if err == nil {
				err = errors.Join(e.Close())
			} else if c.want == nil {
				t.Fatal(problem.Text(err))
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(problem.Text(err), want) {
					t.Errorf("error is %q, not with %q", problem.Text(err), want)
				}
			}
		})
	}
}

// What contradicts itself, and what would cross a network readable, is refused
// before anything is dialled.
func TestTLSUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    Options
		want string // "": it is allowed
	}{
		"clear":           {Options{Address: "tcp://192.0.2.1:1234"}, "registry passwords and secrets would be sent in clear text"},
		"clear by name":   {Options{Address: "tcp://builder:1234"}, "hint: give the engine's certificates with --tls-dir"},
		"allowed":         {Options{Address: "tcp://192.0.2.1:1234", InsecureEngine: true}, ""},
		"loopback":        {Options{Address: "tcp://127.0.0.2:1234"}, ""},
		"loopback of v6":  {Options{Address: "tcp://[::1]:1234"}, ""},
		"localhost":       {Options{Address: "tcp://localhost:1234"}, ""},
		"TLS":             {Options{Address: "tcp://builder:1234", TLS: TLS{Dir: "/x"}}, ""},
		"TLS, no tcp":     {Options{Address: "unix:///x.sock", TLS: TLS{Dir: "/x"}}, "TLS is only for engines at tcp://"},
		"TLS, no address": {Options{TLS: TLS{Name: "x"}}, "an engine that is searched for"},
		"both ways":       {Options{Address: "tcp://builder:1", TLS: TLS{Dir: "/x", CA: "/y"}}, "--tls-dir together with"},
		"half a pair":     {Options{Address: "tcp://builder:1", TLS: TLS{Cert: "/y"}}, "belong together"},
	} {
		err := c.o.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(problem.Text(err), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
		if err != nil && problem.ClassOf(err) != problem.Usage {
			t.Errorf("%s: class %d", name, problem.ClassOf(err))
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil || len(own) == 0 {
		t.Skip("no address of this machine")
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok && !isHere(n.IP.String()) {
			t.Errorf("%s is taken for another machine", n.IP)
		}
	}
}

// Docker in clear on another machine is no better.
func TestDockerInClear(t *testing.T) {
	t.Parallel()
	f := bareMachine(t, map[string]string{"DOCKER_HOST": "tcp://192.0.2.1:2375"})
	_, err := f.find(t.Context(), Options{Address: "docker"})
	if err == nil || !strings.Contains(problem.Text(err), "would be sent in clear text") {
		t.Errorf("error is %v", err)
	}
}
