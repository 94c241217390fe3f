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
		&cli.StringFlag{Name: "engine", EnvVars: []string{"BUILDKIT_HOST"}, Usage: "`ADDRESS` of the BuildKit to use, such as tcp://host:1234, docker or child; searched for when left out"},
		&cli.PathFlag{Name: "tls-dir", EnvVars: []string{"MEDBUILD_TLS_DIR"}, Usage: "`FOLDER` with ca.pem, cert.pem and key.pem (or ca.crt, tls.crt and tls.key) for an engine at tcp://"},
		&cli.PathFlag{Name: "tls-ca", Usage: "`FILE` with the certificate of the CA that signed the engine's; the system's CAs when left out"},
		&cli.PathFlag{Name: "tls-cert", Usage: "`FILE` with our certificate for the engine"},
		&cli.PathFlag{Name: "tls-key", Usage: "`FILE` with the key of that certificate"},
		&cli.StringFlag{Name: "tls-server-name", Usage: "`NAME` that the engine's certificate is for; the host of its address when left out"},
		&cli.BoolFlag{Name: "insecure-engine", EnvVars: []string{"MEDBUILD_INSECURE_ENGINE"}, Usage: "allow tcp:// to another machine without TLS: passwords and secrets cross the network readable"},
	}
}

func readEngine(c *cli.Context) engine.Options {
	return engine.Options{
		Address: c.String("engine"), InsecureEngine: c.Bool("insecure-engine"),
		TLS: engine.TLS{Dir: c.Path("tls-dir"), CA: c.Path("tls-ca"), Cert: c.Path("tls-cert"), Key: c.Path("tls-key"), Name: c.String("tls-server-name")},
	}
}
