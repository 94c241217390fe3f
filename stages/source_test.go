package stages

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/llb"
)

func TestSourceInput(t *testing.T) {
	at := llb.Position{File: "components.toml", Line: 3, Col: 1}
	tests := []struct {
		source Source
		want   llb.Input
	}{
		{Source{URL: "https://files.example/a.zip", SHA256: someSHA256, At: at},
			llb.Input{Kind: llb.Archive, Address: "https://files.example/a.zip", Pin: "sha256:" + someSHA256, At: at}},
		{Source{Debian: "pool/a.tar.gz", SHA256: someSHA256},
			llb.Input{Kind: llb.Archive, Address: "http://mirror.example/debian/pool/a.tar.gz", Pin: "sha256:" + someSHA256}},
		{Source{Git: "https://git.example/a.git", Commit: someCommit},
			llb.Input{Kind: llb.Git, Address: "https://git.example/a.git", Pin: someCommit}},
	}
	for _, tt := range tests {
		got, err := tt.source.Input(Ground{Build: Base{Facts: Facts{Mirror: "http://mirror.example/debian/"}}})
		if err != nil || got != tt.want {
			t.Errorf("%+v, want %+v (%v)", got, tt.want, err)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	url := "https://files.example/a.zip"
	tests := []struct {
		name   string
		source Source
		want   []string
	}{
		{"empty", Source{}, []string{"no source", "url, debian and git"}},
		{"two", Source{URL: url, Git: url, SHA256: someSHA256, Commit: someCommit}, []string{"one of url, debian, git and image"}},
		{"archive without pin", Source{URL: url}, []string{url + " is not pinned", "hint: add sha256"}},
		{"short pin", Source{URL: url, SHA256: someSHA256[1:]}, []string{"does not pin it", "64 hexadecimal digits"}},
		{"upper case pin", Source{URL: url, SHA256: strings.ToUpper(someSHA256)}, []string{"does not pin it"}},
		{"pin with prefix", Source{URL: url, SHA256: "sha256:" + someSHA256}, []string{"does not pin it"}},
		{"repository without commit", Source{Git: url}, []string{"not pinned", "hint: add commit"}},
		{"repository with a tag", Source{Git: url, Commit: "v1.0"}, []string{`"v1.0" does not pin it`, "40 hexadecimal digits"}},
		{"repository with a checksum", Source{Git: url, SHA256: someSHA256}, []string{"not pinned", "commit"}},
		{"no mirror", Source{Debian: "pool/a.tar.gz", SHA256: someSHA256}, []string{"pool/a.tar.gz", "no distribution mirror", "hint: write its address as url"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.source.Input(Ground{})
			wantText(t, err, tt.want...)
		})
	}
}
