package config

import (
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
)

// Site is the settings of a machine and its network, which hold for every
// components.toml that is built there. They change no image.
type Site struct {
	Path    string   `toml:"-"` // of the file; "" when there is none
	Mirrors []Mirror `toml:"mirrors" doc:"what to fetch from instead of the addresses in components.toml"`
	Python  Python   `toml:"python" doc:"the Python package index"`
	Fetch   Fetch    `toml:"fetch" doc:"how sources are fetched"`
	Files   Files    `toml:"files" doc:"what components.toml may read of the machine"`

	Registries []Registry `toml:"registries" doc:"registries that the engine of medbuild's own reaches in another way"`
}

// Files is what a components.toml may read of the machine beside its repository.
type Files struct {
	Allow []string `toml:"allow" doc:"folders whose files it may name as well, as absolute paths"`
}

// Check reports what is wrong with the settings.
func (f Files) Check() error {
	for _, dir := range f.Allow {
		if !filepath.IsAbs(dir) {
			return problem.Refusedf("allow %q is not an absolute path", dir).Hint("write it as in allow = [\"/srv/atlases\"]")
		}
	}
	return nil
}

// Fetch is how sources are fetched on the site.
type Fetch struct {
	Timeout string `toml:"timeout" doc:"how long one source may take, such as 90m or 6h"`
}

// defaultTimeout is enough for ten gigabytes at a megabyte in a second.
const defaultTimeout = 3 * time.Hour

// Check reports what is wrong with the settings.
func (f Fetch) Check() error {
	d, err := time.ParseDuration(f.Timeout)
	if f.Timeout != "" && (err != nil || d <= 0) {
		return problem.Refusedf("timeout %q is not a duration", f.Timeout).Hint("write it as in timeout = \"90m\"")
	}
	return nil
}

// Patience is how long one source may take.
func (f Fetch) Patience() time.Duration {
	if d, err := time.ParseDuration(f.Timeout); err == nil {
		return d
	}
	return defaultTimeout
}

// Mirror is where to fetch from instead of addresses that begin with From.
type Mirror struct {
	At       problem.Position `toml:"-"`
	From     string           `toml:"from" doc:"the beginning of addresses, such as https://github.com, or of image names, such as docker.io"`
	To       []string         `toml:"to" doc:"what takes its place, the preferred first"`
	Insecure bool             `toml:"insecure" doc:"allow plain HTTP, or certificates that cannot be verified, for a registry on another machine, and logins over plain HTTP"`
}

// Python is the site's Python package index.
type Python struct {
	Index []string `toml:"index" doc:"addresses of package indexes; the first takes the place of the public one"`
}

// Check reports what is wrong with the mirror.
func (m Mirror) Check() error {
	switch {
	case m.From == "":
		return problem.Refusedf("the mirror has no from").Hint("add from = \"https://…\", or the beginning of an image's name")
	case len(m.To) == 0:
		return problem.Refusedf("the mirror of %s has no to", m.From).Hint("add to = [\"https://…\"]")
	case !m.Image() && strings.Contains(m.From, "://") && hostOf(m.From) == "":
		return problem.Refusedf("from %q names no host", m.From)
	}
	for _, to := range m.To {
		if err := m.checkTo(to); err != nil {
			return err
		}
	}
	return nil
}

// Image reports whether the mirror is one of images: then its addresses have no
// scheme.
func (m Mirror) Image() bool { return !strings.Contains(m.From, "://") && !scp.MatchString(m.From) }

var (
	scp      = regexp.MustCompile(`^[^/:@]+@[^/:]+:`)
	registry = regexp.MustCompile(`^(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|\[[0-9a-fA-F:]+\]|[A-Za-z0-9-]+(:[0-9]+))(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*/?$`)
)

func (m Mirror) checkTo(to string) error {
	if m.Image() {
		if !registry.MatchString(to) {
			return problem.Refusedf("%q does not name a registry, but %s does", to, m.From).
				Hint("write it without https://, as in registry.example.org:5000/hub")
		}
		return nil
	}
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return problem.Refusedf("%q is not the address of a mirror of %s", to, m.From).Hint("write https://… or http://…")
	}
	if u.User != nil {
		return problem.Refusedf("the address of the mirror %s contains a login", u.Redacted()).
			Hint("write it into ~/.netrc instead: machine %s login … password …", u.Hostname())
	}
	return nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// ParseMirror reads a flag "FROM=TO".
func ParseMirror(flag string) (Mirror, error) {
	from, to, ok := strings.Cut(flag, "=")
	at := problem.Position{File: mirrorFlag + shorten(flag)}
	if u, err := url.Parse(to); err == nil && u.User != nil {
		at.File = mirrorFlag + shorten(from+"="+u.Redacted())
	}
	if !ok {
		return Mirror{}, located(at, errors.New("is not of the form FROM=TO"))
	}
	m := Mirror{At: at, From: from, To: []string{to}}
	if err := m.Check(); err != nil {
		return Mirror{}, located(at, err)
	}
	return m, nil
}

// LoadSite reads the site file: the one that $MEDBUILD_SITE names, or else the
// first there is of $XDG_CONFIG_HOME/medbuild/site.toml,
// ~/.config/medbuild/site.toml and /etc/medbuild/site.toml. Without any the
// site has no settings. The error is everything that is wrong, as that of Load.
func LoadSite(getenv func(string) string, home string) (Site, error) {
	named := getenv("MEDBUILD_SITE")
	for _, path := range sitePaths(getenv, home) {
		text, err := read(disk{}, path, maxText)
		if absent := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR); absent && named == "" {
			continue
		}
		if err != nil {
			return Site{}, located(problem.Position{File: path}, reason(err)).Hint("MEDBUILD_SITE names the site file")
		}
		return parseSite(path, text)
	}
	return Site{}, nil
}

func sitePaths(getenv func(string) string, home string) []string {
	if named := getenv("MEDBUILD_SITE"); named != "" {
		return []string{named}
	}
	var out []string
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		out = append(out, filepath.Join(dir, "medbuild", "site.toml"))
	}
	if home != "" {
		out = append(out, filepath.Join(home, ".config", "medbuild", "site.toml"))
	}
	if runtime.GOOS != "windows" {
		out = append(out, "/etc/medbuild/site.toml")
	}
	return out
}

func parseSite(path string, text []byte) (Site, error) {
	l := loader{path: path}
	s := Site{Path: path}
	if l.parse(text) {
		l.decode(l.values, reflect.ValueOf(&s).Elem(), l.root, "")
	}
	if err := l.problems.err(); err != nil {
		return Site{}, err
	}
	return s, nil
}
