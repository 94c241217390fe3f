package main

import (
	"maps"
	"os"

	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/engine"
	"github.com/medbuild/medbuild/internal/fetch"
	"github.com/medbuild/medbuild/internal/site"
)

// network is the site file and what the command line adds to it.
type network struct {
	config.Site
	mirrors []fetch.Mirror // those of the command line first
}

func (o options) network() (network, error) {
	home, _ := os.UserHomeDir()
	file, err := config.LoadSite(os.Getenv, home)
	if err != nil {
		return network{}, err
	}
	n := network{Site: file}
	for _, flag := range o.mirrors {
		m, err := config.ParseMirror(flag)
		if err != nil {
			return network{}, err
		}
		n.add(m)
	}
	n.add(file.Mirrors...)
	return n, nil
}

func (n *network) add(all ...config.Mirror) {
	for _, m := range all {
		n.mirrors = append(n.mirrors, fetch.Mirror{From: m.From, To: m.To, Insecure: m.Insecure})
	}
}

// registries is how our own engine speaks to registries.
func (n network) registries() []engine.Registry {
	var out []engine.Registry
	for _, r := range n.Reached() {
		out = append(out, engine.Registry{Host: r.Host, CA: r.CA, Insecure: r.Insecure})
	}
	return out
}

// submodules are the preferred mirrors of git submodules.
func (n network) submodules() []engine.Mirror {
	var out []engine.Mirror
	known := map[string]bool{}
	for _, m := range n.mirrors {
		if !(config.Mirror{From: m.From}).Image() && !known[m.From] {
			known[m.From] = true
			out = append(out, engine.Mirror{From: m.From, To: m.To[0]})
		}
	}
	return out
}

// site is the machine in its network.
func (n network) site(jobs int) site.Site {
	home, _ := os.UserHomeDir()
	return site.Site{Getenv: os.Getenv, Home: home, Jobs: jobs, Index: n.Python.Index}
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
