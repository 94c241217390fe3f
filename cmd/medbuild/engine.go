package main

import (
	"github.com/medbuild/medbuild/internal/engine"
	"github.com/urfave/cli/v2"
)

// withEngine is a command's flags with those that say which engine to use after
// them.
func withEngine(flags ...cli.Flag) []cli.Flag { return append(flags, engineFlags()...) }

// engineFlags say which engine to use and how it is reached. The names of those
// for TLS are buildctl's, written as the other options here are.
func engineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "engine", EnvVars: []string{"BUILDKIT_HOST"}, Usage: "`ADDRESS` of the BuildKit daemon to use, such as tcp://host:1234, docker (Docker's own) or child (started by medbuild); the first one found if left out"},
		&cli.PathFlag{Name: "tls-dir", EnvVars: []string{"MEDBUILD_TLS_DIR"}, Usage: "`FOLDER` with ca.pem, cert.pem and key.pem (or ca.crt, tls.crt and tls.key) for an engine at tcp://"},
		&cli.PathFlag{Name: "tls-ca", Usage: "`FILE` with the CA certificate that the engine's certificate is verified with; the system's CAs if left out"},
		&cli.PathFlag{Name: "tls-cert", Usage: "`FILE` with the client certificate"},
		&cli.PathFlag{Name: "tls-key", Usage: "`FILE` with the private key of the client certificate"},
		&cli.StringFlag{Name: "tls-server-name", Usage: "`NAME` expected in the engine's certificate; the host in its address if left out"},
		&cli.BoolFlag{Name: "insecure-engine", EnvVars: []string{"MEDBUILD_INSECURE_ENGINE"}, Usage: "allow tcp:// to another machine without TLS: passwords and secrets are sent unencrypted"},
	}
}

func readEngine(c *cli.Context) engine.Options {
	return engine.Options{
		Address: c.String("engine"), InsecureEngine: c.Bool("insecure-engine"),
		TLS: engine.TLS{Dir: c.Path("tls-dir"), CA: c.Path("tls-ca"), Cert: c.Path("tls-cert"), Key: c.Path("tls-key"), Name: c.String("tls-server-name")},
	}
}
