package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

// here is a site whose environment is env.
func here(home string, env map[string]string) Site {
	return Site{Getenv: func(k string) string { return env[k] }, Home: home}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The CA bundle and the files of pip and uv come along; their paths are those in
// the step.
func TestSecretsOfASite(t *testing.T) {
	t.Parallel()
	home, config := t.TempDir(), t.TempDir()
	s := here(home, map[string]string{
		"CURL_CA_BUNDLE": write(t, filepath.Join(home, "ca.pem"), "CERT"), "https_proxy": "http://proxy.example:3128/'x'",
		"XDG_CONFIG_HOME": config,
	})
	write(t, filepath.Join(home, ".pip/pip.conf"), "[global]")
	write(t, filepath.Join(config, "uv/uv.toml"), "offline = true")
	s.Jobs = 3
	all, err := s.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		llb.SiteCA: "CERT", llb.SiteApt: `Acquire::https::CAInfo "` + llb.SiteCA + `"`, llb.SitePip: "[global]", llb.SiteUV: "offline = true",
	} {
		if got := string(all[llb.SiteID(file)]); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q", file, got)
		}
	}
	env := string(all[llb.SiteID(llb.SiteEnv)])
	for _, want := range []string{"export MEDBUILD_JOBS='3'\n", `export https_proxy='http://proxy.example:3128/'\''x'\'''` + "\n",
		"export GIT_SSL_CAINFO='" + llb.SiteCA + "'\n", "export PIP_CONFIG_FILE='" + llb.SitePip + "'\n", "export UV_CONFIG_FILE='" + llb.SiteUV + "'\n"} {
		if !strings.Contains(env, want) {
			t.Errorf("%q lacks %q", env, want)
		}
	}
}

func TestSiteWithoutAnything(t *testing.T) {
	t.Parallel()
	s := here(t.TempDir(), nil)
	all, err := s.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{llb.SiteCA, llb.SiteApt} {
		if _, ok := all[llb.SiteID(file)]; ok {
			t.Errorf("there is a %s", file)
		}
	}
	if env := string(all[llb.SiteID(llb.SiteEnv)]); strings.Contains(env, llb.SiteCA) || strings.Contains(env, "proxy") {
		t.Errorf("steps are told %q", env)
	}
	if env := s.Engine(); len(env) > 0 {
		t.Errorf("the engine is told %v", env)
	}
}

func TestBrokenCA(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	_, err := here(home, map[string]string{"PIP_CERT": filepath.Join(home, "absent.pem")}).Secrets()
	testkit.WantText(t, err, "CA bundle of PIP_CERT", "absent.pem")
	large := write(t, filepath.Join(home, "large.pem"), strings.Repeat("x", maxSecret+1))
	_, err = here(home, map[string]string{"SSL_CERT_FILE": large}).Secrets()
	testkit.WantText(t, err, "CA bundle of SSL_CERT_FILE", "large.pem is larger than 500 KiB", "hint: name a smaller CA bundle in SSL_CERT_FILE")
}

// What has no end is not read to it.
func TestEndlessFiles(t *testing.T) {
	t.Parallel()
	s := here(t.TempDir(), map[string]string{"NETRC": "/dev/zero", "UV_CONFIG_FILE": "/dev/zero"})
	_, err := s.Netrc()
	testkit.WantText(t, err, "netrc: /dev/zero is larger than 1024 KiB")
	_, err = s.Secrets()
	testkit.WantText(t, err, "/dev/zero is larger than 500 KiB")
	_, err = ParseSecrets([]string{"id=a,src=/dev/zero"}, s.Getenv)
	testkit.WantText(t, err, "--secret a: /dev/zero is larger than 500 KiB")
}

// An engine of our own finds the first CA bundle that is named, and the proxies.
func TestEngineOfASite(t *testing.T) {
	t.Parallel()
	env := here("/home", map[string]string{"SSL_CERT_DIR": "/certs", "NO_PROXY": "a", "REQUESTS_CA_BUNDLE": "/one.pem", "PIP_CERT": "/two.pem", "PIP_INDEX_URL": "x"}).Engine()
	if len(env) != 3 || env["SSL_CERT_DIR"] != "/certs" || env["NO_PROXY"] != "a" || env["SSL_CERT_FILE"] != "/one.pem" {
		t.Errorf("%v", env)
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]Login{"": {}, "Bearer t": {User: "u", Token: "t"}, "Basic dTpw": {User: "u", Password: "p"}} {
		if got := l.header(); got != want {
			t.Errorf("%+v: %q, want %q", l, got, want)
		}
	}
}

func TestParseSecrets(t *testing.T) {
	t.Parallel()
	file := write(t, filepath.Join(t.TempDir(), "token"), "from file")
	getenv := func(k string) string { return map[string]string{"TOKEN": "from TOKEN", "own": "from own"}[k] }
	all, err := ParseSecrets([]string{"id=a,src=" + file, "id=b,env=TOKEN", "own", "id=c,source=" + file}, getenv)
	if err != nil || string(all["a"]) != "from file" || string(all["b"]) != "from TOKEN" || string(all["own"]) != "from own" || string(all["c"]) != "from file" {
		t.Errorf("%q, %v", all, err)
	}
	for given, want := range map[string]string{
		"src=x":             "has no id\nhint: id=<name>,src=<path>",
		"id=a,src=/absent":  "--secret a: open /absent",
		"absent":            "--secret absent: the variable absent is not set\nhint: or name a file, id=absent,src=<path>",
		"id=a,env=X":        "--secret a: the variable X is not set",
		"id=a,nonsense":     `--secret: "nonsense" is not key=value`,
		`id="a`:             `--secret "id=\"a"`,
		"id=absent,env=own": "",
	} {
		_, err := ParseSecrets([]string{given}, getenv)
		if want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		testkit.WantText(t, err, want)
	}
}

func TestPythonIndex(t *testing.T) {
	t.Parallel()
	s := here("/home", map[string]string{})
	if got := s.PythonIndex(); got != "" {
		t.Errorf("%q", got)
	}
	s.Index = []string{"https://me:hunter2@a.example/simple"}
	if got := s.PythonIndex(); got != "https://me:xxxxx@a.example/simple" {
		t.Errorf("%q", got)
	}
	s = here("/home", map[string]string{"UV_DEFAULT_INDEX": "https://b.example/simple"})
	if got := s.PythonIndex(); got != "https://b.example/simple" {
		t.Errorf("%q", got)
	}
}
