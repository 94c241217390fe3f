package main

import (
	"maps"
	"os"

	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/site"

	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/urfave/cli/v2"
)

// thisSite is the machine and its network: environment, site file, options.
func thisSite(c *cli.Context) (site.Site, error) {
	file, err := siteFile()
	if err != nil {
		return site.Site{}, err
	}
	home, _ := os.UserHomeDir()
	return site.Site{Getenv: os.Getenv, Home: home, Jobs: c.Int("jobs"), Index: file.Python.Index, Insecure: file.Registries()}, nil
}

func siteFile() (config.Site, error) {
	home, _ := os.UserHomeDir()
	return config.LoadSite(os.Getenv, home)
}

// mirrors are those of the command line, then those of the site file.
func mirrors(c *cli.Context, file config.Site) ([]fetch.Mirror, error) {
	var all []config.Mirror
	for _, flag := range c.StringSlice("mirror") {
		m, err := config.ParseMirror(flag)
		if err != nil {
			return nil, usageError{err}
		}
		all = append(all, m)
	}
	var out []fetch.Mirror
	for _, m := range append(all, file.Mirrors...) {
		out = append(out, fetch.Mirror{From: m.From, To: m.To, Insecure: m.Insecure})
	}
	return out, nil
}

// credentials are the secrets that the engine may ask for: the site's files,
// the user's secrets, and logins of the netrc file and the Docker config.
func credentials(here site.Site, secrets map[string][]byte) (*site.Credentials, error) {
	all, err := here.Secrets()
	if err != nil {
		return nil, err
	}
	maps.Copy(all, secrets)
	netrc, err := here.Netrc()
	if err != nil {
		return nil, err
	}
	return &site.Credentials{Secrets: all, Logins: []func(string) site.Login{netrc, dockerLogin()}}, nil
}

// dockerLogin is the logins that docker login keeps.
func dockerLogin() func(host string) site.Login {
	docker := dockerconfig.LoadDefaultConfigFile(os.Stderr)
	return func(host string) site.Login {
		auth, err := docker.GetAuthConfig(host)
		if err != nil {
			return site.Login{}
		}
		return site.Login{User: auth.Username, Password: auth.Password, Token: auth.RegistryToken}
	}
}
