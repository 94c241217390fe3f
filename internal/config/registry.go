package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// Registry is how the engine of medbuild's own speaks to a registry: another
// engine has that in its buildkitd.toml.
type Registry struct {
	At       problem.Position `toml:"-"`
	Host     string           `toml:"host" doc:"the registry, with its port if it has one, such as registry.example.org:5000"`
	CA       string           `toml:"ca" doc:"file with the certificate of the authority that signed the registry's, as an absolute path; the registry has TLS then, also on this machine"`
	Insecure bool             `toml:"insecure" doc:"allow plain HTTP, and certificates that cannot be verified"`
}

// Check reports what is wrong with the settings.
func (r Registry) Check() error {
	switch {
	case r.Host == "":
		return problem.Refusedf("the registry has no host").Hint("add host = \"registry.example.org:5000\"")
	case !registry.MatchString(r.Host) || strings.Contains(r.Host, "/"):
		return problem.Refusedf("host %q does not name a registry", r.Host).Hint("write it without https:// and path, as in registry.example.org:5000")
	case r.CA == "" && !r.Insecure:
		return problem.Refusedf("the registry %s has neither ca nor insecure", r.Host).Hint("add ca = \"/etc/ssl/registry.pem\", or insecure = true")
	case r.CA != "" && r.Insecure:
		return problem.Refusedf("the registry %s has ca and insecure", r.Host).Hint("leave one of them out: insecure takes any certificate")
	}
	return r.checkCA()
}

func (r Registry) checkCA() error {
	if r.CA == "" {
		return nil
	}
	if !filepath.IsAbs(r.CA) {
		return problem.Refusedf("ca %q is not an absolute path", r.CA).Hint("write it as in ca = \"/etc/ssl/registry.pem\"")
	}
	if _, err := os.Stat(r.CA); err != nil {
		return problem.Refusedf("ca of the registry %s: %w", r.Host, err)
	}
	return nil
}

// Reached is all registries with settings of their own, sorted by host: those
// that the file has, and the hosts of image mirrors that are insecure.
func (s Site) Reached() []Registry {
	all := map[string]Registry{}
	for _, m := range s.Mirrors {
		for _, to := range m.To {
			if host, _, _ := strings.Cut(to, "/"); m.Image() && m.Insecure {
				all[host] = Registry{Host: host, Insecure: true}
			}
		}
	}
	for _, r := range s.Registries {
		all[r.Host] = r
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Registry) int { return strings.Compare(a.Host, b.Host) })
}
