package stage

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

func TestSourceInput(t *testing.T) {
	at := problem.Position{File: "components.toml", Line: 3, Col: 1}
	tests := []struct {
		SourceMount Source
		want        llb.Input
	}{
		{Source{URL: "https://files.example/a.zip", SHA256: testkit.SHA256, At: at},
			llb.Input{Kind: llb.Archive, Address: "https://files.example/a.zip", Pin: "sha256:" + testkit.SHA256, At: at}},
		{Source{Debian: "pool/a.tar.gz", SHA256: testkit.SHA256},
			llb.Input{Kind: llb.Archive, Address: "http://mirror.example/debian/pool/a.tar.gz", Pin: "sha256:" + testkit.SHA256}},
		{Source{Git: "https://git.example/a.git", Commit: testkit.Commit},
			llb.Input{Kind: llb.Git, Address: "https://git.example/a.git", Pin: testkit.Commit}},
	}
	for _, tt := range tests {
		got, err := tt.SourceMount.Input(Ground{Build: Base{Facts: Facts{Mirror: "http://mirror.example/debian/"}}})
		if err != nil || got != tt.want {
			t.Errorf("%+v, want %+v (%v)", got, tt.want, err)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	url := "https://files.example/a.zip"
	tests := []struct {
		name        string
		SourceMount Source
		want        []string
	}{
		{"empty", Source{}, []string{"no source", "the component has no source", "url, debian or git"}},
		{"two", Source{URL: url, Git: url, SHA256: testkit.SHA256, Commit: testkit.Commit}, []string{"one of url, debian, git and image"}},
		{"archive without pin", Source{URL: url}, []string{url + " is not pinned", "hint: add sha256"}},
		{"short pin", Source{URL: url, SHA256: testkit.SHA256[1:]}, []string{"does not pin it", "64 hexadecimal digits"}},
		{"upper case pin", Source{URL: url, SHA256: strings.ToUpper(testkit.SHA256)}, []string{"does not pin it"}},
		{"pin with prefix", Source{URL: url, SHA256: "sha256:" + testkit.SHA256}, []string{"does not pin it"}},
		{"repository without commit", Source{Git: url}, []string{"not pinned", "hint: add commit"}},
		{"repository with a tag", Source{Git: url, Commit: "v1.0"}, []string{`"v1.0" does not pin it`, "40 hexadecimal digits"}},
		{"repository with a checksum", Source{Git: url, SHA256: testkit.SHA256}, []string{"not pinned", "commit"}},
		{"no mirror", Source{Debian: "pool/a.tar.gz", SHA256: testkit.SHA256}, []string{"pool/a.tar.gz", "no distribution mirror", "hint: write the full address as url"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.SourceMount.Input(Ground{})
			testkit.WantText(t, err, tt.want...)
		})
	}
}

func TestFetchable(t *testing.T) {
	for _, s := range []Source{{URL: "http://a.example/x"}, {URL: "https://a.example/x?y=ftp://z"}, {Git: "git@a.example:x/y.git"},
		{Git: "ssh://git@a.example/x.git"}, {Git: "git://a.example/x"}, {URL: "https://me@a.example/x"}} {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	testkit.WantText(t, Source{URL: "ftp://a.example/x"}.Check(), "ftp://a.example/x cannot be fetched", "ftp is not one of https, http", "hint:")
	testkit.WantText(t, Source{Git: "FTP://a.example/x"}.Check(), "ftp")
	err := Source{URL: "https://me:hunter2@a.example/x"}.Check()
	testkit.WantText(t, err, "contains a password", "hint: put the login in ~/.netrc")
	if strings.Contains(problem.Text(err), "hunter2") {
		t.Error("the error has the password")
	}
}
