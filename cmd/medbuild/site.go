package main

import (
	"maps"
	"os"

	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/urfave/cli/v2"
)

// thisSite is the machine and its network: environment, site file, options.
func thisSite(c *cli.Context) (build.Site, error) {
	file, err := siteFile()
	if err != nil {
		return build.Site{}, err
	}
	home, _ := os.UserHomeDir()
	return build.Site{Getenv: os.Getenv, Home: home, Jobs: c.Int("jobs"), Index: file.Python.Index, Insecure: file.Registries()}, nil
}

func siteFile() (config.Site, error) {
	home, _ := os.UserHomeDir()
	return config.LoadSite(os.Getenv, home)
}

// mirrors are those of the command line, then those of the site file.
func mirrors(c *cli.Context, file config.Site) ([]build.Mirror, error) {
	var all []config.Mirror
	for _, flag := range c.StringSlice("mirror") {
		m, err := config.ParseMirror(flag)
		if err != nil {
			return nil, usageError{err}
		}
		all = append(all, m)
	}
	var out []build.Mirror
	for _, m := range append(all, file.Mirrors...) {
		out = append(out, build.Mirror{From: m.From, To: m.To, Insecure: m.Insecure})
	}
	return out, nil
}

// credentials are the secrets that the engine may ask for: the site's files,
// the user's secrets, and logins of the netrc file and the Docker config.
func credentials(site build.Site, secrets map[string][]byte) (*build.Credentials, error) {
	all, err := site.Secrets()
	if err != nil {
		return nil, err
	}
	maps.Copy(all, secrets)
	netrc, err := site.Netrc()
	if err != nil {
		return nil, err
	}
	return &build.Credentials{Secrets: all, Logins: []func(string) build.Login{netrc, dockerLogin()}}, nil
}

// dockerLogin is the logins that docker login keeps.
func dockerLogin() func(host string) build.Login {
	docker := dockerconfig.LoadDefaultConfigFile(os.Stderr)
	return func(host string) build.Login {
		auth, err := docker.GetAuthConfig(host)
		if err != nil {
			return build.Login{}
		}
		return build.Login{User: auth.Username, Password: auth.Password, Token: auth.RegistryToken}
	}
}
