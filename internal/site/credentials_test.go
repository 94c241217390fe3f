package site

import (
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/fetch"

	"github.com/moby/buildkit/session/secrets"
)

func TestNetrc(t *testing.T) {
	t.Parallel()
	got := parseNetrc(`# a comment
machine one.example login me password p1
machine two.example
  login "you"
  password "with \" quote"
  account x
macdef init
machine evil.example login a password b

machine one.example login other password other
default login anonymous password mail
machine three.example password only
`)
	want := map[string]Login{
		"one.example": {User: "me", Password: "p1"}, "two.example": {User: "you", Password: `with " quote`}, "three.example": {Password: "only"},
	}
	if !maps.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func FuzzNetrc(f *testing.F) {
	f.Add("machine a login b password c default login d")
	f.Add("machine")
	f.Add("login x machine \"")
	f.Fuzz(func(t *testing.T, text string) {
		logins := parseNetrc(text)
		if _, ok := logins[""]; ok {
			t.Error("a login for every host")
		}
		if again := parseNetrc(text); !maps.Equal(logins, again) {
			t.Errorf("%q is %v, and then %v", text, logins, again)
		}
	})
}

func TestNetrcFile(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	site := Site{Getenv: func(string) string { return "" }, Home: home}
	ask, err := site.Netrc()
	if err != nil || ask("one.example").header() != "" {
		t.Fatalf("without a file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte("machine one.example login me password p1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ask, err = site.Netrc(); err != nil || ask("one.example:8080").User != "me" {
		t.Errorf("the file in the home folder is not read (%v)", err)
	}
	site.Getenv = func(k string) string { return map[string]string{"NETRC": filepath.Join(home, "absent")}[k] }
	if _, err = site.Netrc(); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("a file that is named and not there: %v", err)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	login := func(user string, hosts ...string) func(string) Login {
		return func(host string) Login {
			for _, h := range hosts {
				if h == host {
					return Login{User: user, Password: "p"}
				}
			}
			return Login{}
		}
	}
	c := &Credentials{
		Secrets: map[string][]byte{"token": []byte("t"), "HTTP_AUTH_HEADER_given.example": []byte("mine")},
		Logins: []func(string) Login{
			login("netrc", "both.example", "plain.example", "far.example", "insecure.example", "127.0.0.1"),
			login("docker", "both.example", "registry.example:5000"),
		},
		Plain: fetch.PlainTo([]fetch.Mirror{{To: []string{"http://insecure.example/x", "http://also.example"}, Insecure: true}, {To: []string{"http://plain.example"}}}),
	}
	for _, a := range []string{"https://both.example/x", "https://registry.example:5000/x", "http://plain.example/x", "http://insecure.example/x/y",
		"http://127.0.0.1:1/x", "docker.io/library/debian", "git@far.example:x", ""} {
		c.Allow(a)
	}
	for id, want := range map[string]string{
		"token": "t", "HTTP_AUTH_HEADER_given.example": "mine", "absent": "",
		"HTTP_AUTH_HEADER_both.example":          "netrc",
		"GIT_AUTH_HEADER.both.example":           "netrc",
		"HTTP_AUTH_HEADER_registry.example":      "docker",
		"GIT_AUTH_HEADER.registry.example:5000":  "docker",
		"HTTP_AUTH_HEADER_127.0.0.1":             "netrc",
		"HTTP_AUTH_HEADER_insecure.example":      "netrc",
		"HTTP_AUTH_HEADER_plain.example":         "", // over plain http
		"HTTP_AUTH_HEADER_far.example":           "", // nothing is fetched from there
		"HTTP_AUTH_TOKEN_both.example":           "",
		"GIT_AUTH_HEADER":                        "",
		"GIT_AUTH_TOKEN.both.example":            "",
		"site-netrc":                             "",
		"HTTP_AUTH_HEADER_":                      "",
		"HTTP_AUTH_HEADER_unknown.both.example":  "",
		"HTTP_AUTH_HEADER_both.example.evil.com": "",
	} {
		got, err := c.GetSecret(t.Context(), id)
		if user, ok := strings.CutPrefix(string(got), "Basic "); ok {
			plain, _ := base64.StdEncoding.DecodeString(user)
			got = []byte(strings.TrimSuffix(string(plain), ":p"))
		}
		if string(got) != want || (want == "") != errors.Is(err, secrets.ErrNotFound) {
			t.Errorf("%s is %q (%v), want %q", id, got, err, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{"localhost": true, "localhost:5000": true, "127.0.0.1:1": true, "[::1]:1": true, "::1": true,
		"127.evil.example": false, "registry.example": false, "10.0.0.1": false, "": false} {
		if Loopback(host) != want {
			t.Errorf("Loopback(%q) is %v", host, !want)
		}
	}
}
