// Package site is what this machine's network asks of everything that uses it:
// certificates, proxies, package indexes, logins.
package site

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/internal/problem"

	"github.com/medbuild/medbuild/llb"
)

// Site is what this machine's network asks of everything that uses it: a CA
// bundle, proxies, package indexes.
type Site struct {
	Getenv func(string) string
	Home   string
	Jobs   int // compile jobs per step; 0 is one per core of the engine

	Index []string // Python package indexes, the first in the public one's place; the environment's word counts before
}

// indexes are the site's package indexes as the variables that uv and pip read.
func (s Site) indexes() []string {
	for _, k := range []string{"PIP_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL"} {
		if s.Getenv(k) != "" {
			return nil
		}
	}
	if len(s.Index) == 0 {
		return nil
	}
	out := []string{"PIP_INDEX_URL=" + s.Index[0], "UV_DEFAULT_INDEX=" + s.Index[0]}
	if more := strings.Join(s.Index[1:], " "); more != "" {
		out = append(out, "PIP_EXTRA_INDEX_URL="+more, "UV_INDEX="+more)
	}
	return out
}

// PythonIndex is the package index that uv asks first, without its login; "" when
// neither the environment nor the site file names one.
func (s Site) PythonIndex() string {
	at := cmp.Or(s.Getenv("UV_DEFAULT_INDEX"), s.Getenv("UV_INDEX_URL"))
	if named := s.indexes(); at == "" && named != nil {
		at = s.Index[0]
	}
	if u, err := url.Parse(at); err == nil {
		return u.Redacted()
	}
	return ""
}

// caVariables name a CA bundle, in the order they are asked.
var caVariables = []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT"}

// passed are the variables that build steps get as they are. Paths to files
// of this machine are not among them: the files come along instead.
var passed = []string{
	"http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
	"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT",
	"UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_HTTP_TIMEOUT", "UV_NATIVE_TLS",
}

// maxSecret is the size BuildKit takes a secret up to.
const maxSecret = 500 << 10

// Secrets is the site's files by secret id. What the site does not have is
// not there: the steps declare all of them as optional.
func (s Site) Secrets() (map[string][]byte, error) {
	out := map[string][]byte{}
	env := s.exports()
	ca, err := s.ca()
	if err != nil {
		return nil, err
	}
	if ca != nil {
		out[llb.SiteID(llb.SiteCA)] = ca
		out[llb.SiteID(llb.SiteApt)] = []byte("Acquire::https::CAInfo \"" + llb.SiteCA + "\";\n")
		env = append(env, caExports()...)
	}
	own, err := s.files()
	if err != nil {
		return nil, err
	}
	for file, export := range own {
		out[llb.SiteID(file)] = export.content
		env = append(env, export.variable+"="+file)
	}
	if jobs := s.jobs(); jobs != nil {
		out[llb.SiteID(llb.SiteJobs)] = shellExports(jobs)
	}
	if len(env) > 0 {
		slices.Sort(env)
		out[llb.SiteID(llb.SiteEnv)] = shellExports(env)
	}
	return out, tooLarge(out)
}

// Engine is what an engine of our own needs to fetch on this site.
func (s Site) Engine() map[string]string {
	out := map[string]string{}
	for _, k := range append([]string{"SSL_CERT_DIR"}, passed[:8]...) {
		if v := s.Getenv(k); v != "" {
			out[k] = v
		}
	}
	for _, k := range caVariables {
		if v, err := filepath.Abs(s.Getenv(k)); s.Getenv(k) != "" && err == nil {
			out["SSL_CERT_FILE"] = v
			break
		}
	}
	return out
}

func (s Site) exports() []string {
	env := s.indexes()
	for _, k := range passed {
		if v := s.Getenv(k); v != "" {
			env = append(env, k+"="+v)
		}
	}
	return append(env, s.jobs()...)
}

// jobs is all that steps without the network are told.
func (s Site) jobs() []string {
	if s.Jobs == 0 {
		return nil
	}
	return []string{fmt.Sprintf("MEDBUILD_JOBS=%d", s.Jobs)}
}

func (s Site) ca() ([]byte, error) {
	for _, k := range caVariables {
		path := s.Getenv(k)
		if path == "" {
			continue
		}
		data, err := files.Read(path, maxSecret)
		if err != nil {
			return nil, fmt.Errorf("CA bundle of %s: %w", k, smaller(err, "name a smaller CA bundle in SSL_CERT_FILE"))
		}
		return data, nil
	}
	return nil, nil
}

// smaller has a hint where a file is too large.
func smaller(err error, hint string) error {
	if errors.Is(err, files.ErrLarger) {
		return problem.Failedf("%w", err).Hint("%s", hint)
	}
	return err
}

func caExports() []string {
	var env []string
	for _, k := range append(slices.Clone(caVariables), "GIT_SSL_CAINFO") {
		env = append(env, k+"="+llb.SiteCA)
	}
	return append(env, "APT_CONFIG="+llb.SiteApt)
}

type siteFile struct {
	variable string
	content  []byte
}

// files are the configuration files of pip and uv, where they usually lie. Paths
// that they name are of this machine: pip's cert gives way to PIP_CERT.
// One that cannot be read is none.
func (s Site) files() (map[string]siteFile, error) {
	out := map[string]siteFile{}
	var large error
	add := func(file, variable string, paths ...string) {
		for _, p := range append([]string{s.Getenv(variable)}, paths...) {
			data, err := files.Read(p, maxSecret)
			if errors.Is(err, files.ErrLarger) {
				large = errors.Join(large, err)
			}
			if p != "" && err == nil {
				out[file] = siteFile{variable, data}
				return
			}
		}
	}
	add(llb.SitePip, "PIP_CONFIG_FILE", s.config("pip/pip.conf"), filepath.Join(s.Home, ".pip/pip.conf"), etc("pip.conf"))
	add(llb.SiteUV, "UV_CONFIG_FILE", s.config("uv/uv.toml"), etc("uv/uv.toml"))
	return out, large
}

func (s Site) config(name string) string {
	if dir := s.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, name)
	}
	return filepath.Join(s.Home, ".config", name)
}

func etc(name string) string {
	if runtime.GOOS == "windows" {
		return ""
	}
	return "/etc/" + name
}

func shellExports(env []string) []byte {
	var b strings.Builder
	for _, e := range env {
		k, v, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "export %s=%s\n", k, llb.Quote(v))
	}
	return []byte(b.String())
}

func tooLarge(secrets map[string][]byte) error {
	var errs []error
	for id, data := range secrets {
		if len(data) > maxSecret {
			errs = append(errs, problem.Failedf("%s is %d bytes, over the limit of %d", id, len(data), maxSecret).Hint("name a smaller CA bundle in SSL_CERT_FILE"))
		}
	}
	return errors.Join(errs...)
}
