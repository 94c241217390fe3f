package engine

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
)

// handshakeLimit is how long an engine may take to show its certificate.
const handshakeLimit = 5 * time.Second

// explained is why an engine at tcp:// did not answer, where that has to do with
// TLS, else err. gRPC passes on what it met as text, and what an engine has
// against our certificate not at all, so that it is asked once more by hand.
func explained(ctx context.Context, address string, t TLS, err error) error {
	if err == nil || !strings.HasPrefix(address, "tcp://") || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	if why := t.why(greet(ctx, address, t)); why != nil {
		return why
	}
	return err
}

// greet opens a connection as gRPC does, sends the preface of HTTP/2 (RFC 9113,
// section 3.4) and waits for the first bytes: an engine that has something
// against our certificate says so only then.
func greet(ctx context.Context, address string, t TLS) error {
	conn, err := dial(ctx, address, t)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00" // and empty SETTINGS
	if _, err := io.WriteString(conn, preface); err != nil {
		return err
	}
	var answer [9]byte // the head of a frame
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return fmt.Errorf("%w: %w", errHungUp, err)
	}
	if answer[3] != 4 { // the first frame is SETTINGS
		return errNotHTTP2
	}
	return nil
}

var (
	errHungUp   = errors.New("closed the connection")
	errNotHTTP2 = errors.New("does not speak HTTP/2")
)

func dial(ctx context.Context, address string, t TLS) (net.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if !t.used() {
		return (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	}
	config, err := t.config(u.Hostname())
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", u.Host)
}

func (t TLS) config(host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: first(t.Name, host), NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	var errs [2]error
	if t.CA != "" {
		config.RootCAs = x509.NewCertPool()
		var pem []byte
		pem, errs[0] = os.ReadFile(t.CA)
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	if t.Cert != "" {
		config.Certificates = make([]tls.Certificate, 1)
		config.Certificates[0], errs[1] = tls.LoadX509KeyPair(t.Cert, t.Key)
	}
	return config, errors.Join(errs[:]...)
}

// why is what stands in the way of a connection, in words of its own for each
// cause; nil where it is none of TLS.
func (t TLS) why(err error) error {
	var record tls.RecordHeaderError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &record):
		return problem.Failedf("does not use TLS (%w)", err).
			Hint("leave out the --tls- options, or start that buildkitd with --tlscert, --tlskey and --tlscacert")
	case errors.Is(err, errHungUp) && !t.used():
		return problem.Failedf("%w: it may require TLS", err).
			Hint("give the certificates for it with --tls-dir, or with --tls-ca, --tls-cert and --tls-key")
	}
	return cmp.Or(t.whyTheirs(err), t.whyOurs(err))
}

// whyTheirs is what we have against the engine's certificate.
func (t TLS) whyTheirs(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return problem.Failedf("its certificate is not signed by a CA of %s", first(t.CA, "this system")).
			Hint("--tls-ca (ca.pem in the folder of --tls-dir) names the certificate of the CA that signed the engine's")
	case errors.As(err, &name):
		return problem.Failedf("its certificate is for another name: %w", name).
			Hint("--tls-server-name gives the name to look for in the certificate; or reach the engine by a name that it has")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return problem.Failedf("its certificate is valid from %s to %s, not now", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter)).
			Hint("renew the engine's certificate, or set the clock of this machine")
	case errors.As(err, &invalid):
		return problem.Failedf("its certificate cannot be used: %w", invalid)
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// whyOurs is what the engine has against our certificate. crypto/tls gives the
// alerts of the other side (RFC 8446, section 6) as text alone.
func (t TLS) whyOurs(err error) error {
	alert := (*net.OpError)(nil)
	if !errors.As(err, &alert) || alert.Op != "remote error" {
		return nil
	}
	const must = "--tls-cert and --tls-key, or --tls-dir, name one that was signed by the CA of the engine's --tlscacert"
	switch said := alert.Err.Error(); {
	case t.Cert == "":
		return problem.Failedf("requires a client certificate (%s)", said).Hint(must)
	case said == "tls: expired certificate":
		return problem.Failedf("rejects the client certificate %s: it is not valid now", t.Cert).Hint("renew it, or set the clock of the engine's machine")
	case said == "tls: unknown certificate authority", said == "tls: bad certificate", said == "tls: certificate required":
		// The last, too: of a CA that the engine does not name, crypto/tls sends none.
		return problem.Failedf("rejects the client certificate %s: its CA did not sign it (%s)", t.Cert, said).Hint(must)
	}
	return problem.Failedf("refuses the connection: %w", err)
}
