package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
)

const goodSite = `# The hospital's network.
[[mirrors]]
from = "https://github.com"
to = ["https://one.example/github", "http://127.0.0.1:8080/gh"]

[[mirrors]]
from = "docker.io/"
to = ["registry.example:5000/hub"]
insecure = true

[python]
index = ["https://index.example/simple", "https://more.example/simple"]

[[registries]]
host = "127.0.0.1:5000"
ca = "/"

[[registries]]
host = "hub.example"
insecure = true
`

// write writes a file below a new folder and returns the folder.
func writeSite(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func env(vars map[string]string) func(string) string {
	return func(k string) string { return vars[k] }
}

func TestLoadSite(t *testing.T) {
	t.Parallel()
	dir := writeSite(t, "site.toml", goodSite)
	path := filepath.Join(dir, "site.toml")
	s, err := LoadSite(env(map[string]string{"MEDBUILD_SITE": path}), "")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "path", s.Path, path)
	same(t, "index", s.Python.Index, []string{"https://index.example/simple", "https://more.example/simple"})
	reached := s.Reached()
	if len(reached) != 3 || reached[0].CA != "/" || reached[0].Insecure || reached[0].At.Line == 0 || reached[1].Host != "hub.example" || reached[2].Host != "registry.example:5000" || !reached[2].Insecure {
		t.Errorf("registries are %+v", reached)
	}
	if len(s.Mirrors) != 2 {
		t.Fatalf("%d mirrors", len(s.Mirrors))
	}
	m := s.Mirrors[0]
	same(t, "to", m.To, []string{"https://one.example/github", "http://127.0.0.1:8080/gh"})
	if m.At.Line != 2 || m.Image() || m.Insecure || !s.Mirrors[1].Image() || !s.Mirrors[1].Insecure {
		t.Errorf("mirrors are %+v", s.Mirrors)
	}
}

// The first file that is there counts, and none is no error unless it is named.
func TestSitePlaces(t *testing.T) {
	t.Parallel()
	one := `[python]` + "\n" + `index = ["https://one.example"]`
	two := strings.Replace(one, "one", "two", 1)
	xdg := writeSite(t, "medbuild/site.toml", one)
	home := writeSite(t, ".config/medbuild/site.toml", two)
	for _, tt := range []struct {
		xdg, home, want string
	}{{xdg, home, "https://one.example"}, {"", home, "https://two.example"}, {t.TempDir(), home, "https://two.example"}} {
		s, err := LoadSite(env(map[string]string{"XDG_CONFIG_HOME": tt.xdg}), tt.home)
		if err != nil || len(s.Python.Index) != 1 || s.Python.Index[0] != tt.want {
			t.Errorf("%+v: %+v, %v", tt, s, err)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.toml")
	_, err := LoadSite(env(map[string]string{"MEDBUILD_SITE": missing}), home)
	if want := missing + ": there is no such file\nhint: MEDBUILD_SITE names the site file"; err == nil || problem.Text(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestBadSite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[[mirrors]]\nfrm = \"https://a.example\"\n":                                             `:2:1: unknown key "frm"`,
		"mirrors = \"x\"\n":                                                                      ":1:1: mirrors must be an array of tables",
		"[[mirrors]]\nto = [\"https://b.example\"]\n":                                            ":1:3: the mirror has no from",
		"\n[[mirrors]]\nfrom = \"https://a.example\"\n":                                          ":2:3: the mirror of https://a.example has no to",
		"[[mirrors]]\nfrom = \"https://\"\nto = [\"https://b.example\"]\n":                       ":1:3: from \"https://\" names no host",
		"[[mirrors]]\nfrom = \"https://a.example\"\nto = [\"ftp://b.example\"]\n":                `:1:3: "ftp://b.example" is not the address of a mirror`,
		"[[mirrors]]\nfrom = \"docker.io\"\nto = [\"https://b.example\"]\n":                      ":1:3: \"https://b.example\" does not name a registry",
		"[[mirrors]]\nfrom = \"docker.io\"\nto = [\"hub\"]\n":                                    ":1:3: \"hub\" does not name a registry",
		"[[mirrors]]\nfrom = \"https://a.example\"\nto = [\"https://me:hunter2@b.example/x\"]\n": "contains a login\nhint: write it into ~/.netrc instead: machine b.example",
		"[[mirrors]\n":                                                        ":1:",
		"[[registries]]\ninsecure = true\n":                                   ":1:3: the registry has no host",
		"[[registries]]\nhost = \"https://a.example\"\n":                      ":1:3: host \"https://a.example\" does not name a registry",
		"[[registries]]\nhost = \"a.example/x\"\n":                            "does not name a registry",
		"[[registries]]\nhost = \"a.example\"\n":                              "has neither ca nor insecure",
		"[[registries]]\nhost = \"a.example\"\ninsecure = true\nca = \"/\"\n": "has ca and insecure",
		"[[registries]]\nhost = \"a.example\"\nca = \"ca.pem\"\n":             "ca \"ca.pem\" is not an absolute path",
		"[[registries]]\nhost = \"a.example\"\nca = \"/no/such/ca.pem\"\n":    "ca of the registry a.example: stat /no/such/ca.pem: no such file",
		"[fetch]\ntimeout = \"soon\"\n":                                       ":1:2: timeout \"soon\" is not a duration\nhint: write it as in timeout = \"90m\"",
		"[fetch]\ntimeout = \"-5m\"\n":                                        "is not a duration",
		"[fetch]\ntimeout = 30\n":                                             ":2:1: timeout must be a string",
		"[python]\nindex = \"https://a.example\"\n":                           ":2:1: index must be an array of strings, not a string\nhint: write it in brackets",
	} {
		path := filepath.Join(writeSite(t, "site.toml", text), "site.toml")
		_, err := LoadSite(env(map[string]string{"MEDBUILD_SITE": path}), "")
		if err == nil || !strings.Contains(problem.Text(err), path) || !strings.Contains(problem.Text(err), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(problem.Text(err), "hunter2") {
			t.Errorf("the error has the password: %v", err)
		}
	}
}

func TestFetchTimeout(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 3 * time.Hour, "[fetch]\ntimeout = \"90m\"\n": 90 * time.Minute} {
		path := filepath.Join(writeSite(t, "site.toml", text), "site.toml")
		s, err := LoadSite(env(map[string]string{"MEDBUILD_SITE": path}), "")
		if err != nil || s.Fetch.Patience() != want {
			t.Errorf("%q: %s, %v", text, s.Fetch.Patience(), err)
		}
	}
}

func TestParseMirror(t *testing.T) {
	t.Parallel()
	m, err := ParseMirror("docker.io/library=localhost:5000/hub?x=y")
	if err == nil {
		t.Errorf("took %+v", m)
	}
	for flag, to := range map[string]string{
		"docker.io=localhost:5000/hub":                "localhost:5000/hub",
		"docker.io=[::1]:5000":                        "[::1]:5000",
		"docker.io/library=registry.example":          "registry.example",
		"git@github.com:=https://git.example/github":  "https://git.example/github",
		"https://a.example/x=https://b.example/y?z=1": "https://b.example/y?z=1",
	} {
		m, err := ParseMirror(flag)
		if err != nil || len(m.To) != 1 || m.To[0] != to || m.At.String() != "--mirror "+flag {
			t.Errorf("%s: %+v, %v", flag, m, err)
		}
	}
	for flag, want := range map[string]string{
		"https://a.example":                   "--mirror https://a.example: is not of the form FROM=TO",
		"=https://a.example":                  "the mirror has no from",
		"https://a.example=":                  "is not the address of a mirror",
		"https://a.example=registry.example":  "is not the address of a mirror",
		"docker.io=https://registry.example/": "does not name a registry",
	} {
		if _, err := ParseMirror(flag); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", flag, err, want)
		}
	}
}

func FuzzSite(f *testing.F) {
	f.Add(goodSite)
	f.Add("[[mirrors]]\nfrom=\"[\"\nto=[\"%\",\"://\"]")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSite("site.toml", []byte(text))
		if err != nil {
			return
		}
		for _, m := range s.Mirrors {
			if m.Check() != nil || m.At.Line == 0 {
				t.Errorf("took %+v", m)
			}
		}
	})
}

// FuzzParseMirror: what is read as a mirror passes its own check, and what is not
// says why.
func FuzzParseMirror(f *testing.F) {
	for _, seed := range []string{"https://a=https://b", "docker.io=registry.example:5000/hub", "a=https://u:hunter2@b", "git@host:x=https://b", "=", "https://a=ftp://b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, flag string) {
		m, err := ParseMirror(flag)
		switch {
		case err == nil && m.Check() != nil:
			t.Errorf("%q is read as %+v: %v", flag, m, m.Check())
		case err != nil && err.Error() == "":
			t.Errorf("%q is refused without a word", flag)
		}
	})
}
