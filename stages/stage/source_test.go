package stage

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
)

func TestSourceInput(t *testing.T) {
	t.Parallel()
	at := problem.Position{File: "components.toml", Line: 3, Col: 1}
	tests := []struct {
		source Source
		want   llb.Input
	}{
		{Source{URL: "https://files.example/a.zip", SHA256: testkit.SHA256, At: at},
			llb.Input{Kind: llb.Archive, Address: "https://files.example/a.zip", Pin: "sha256:" + testkit.SHA256, At: at}},
		{Source{Debian: "pool/a.tar.gz", SHA256: testkit.SHA256},
			llb.Input{Kind: llb.Archive, Address: "http://mirror.example/debian/pool/a.tar.gz", Pin: "sha256:" + testkit.SHA256}},
		{Source{Git: "https://git.example/a.git", Commit: testkit.Commit},
			llb.Input{Kind: llb.Git, Address: "https://git.example/a.git", Pin: testkit.Commit}},
		{Source{Git: "https://git.example/a.git", Commit: testkit.Commit, Submodules: true},
			llb.Input{Kind: llb.Git, Address: "https://git.example/a.git", Pin: testkit.Commit, Submodules: true}},
	}
	for _, tt := range tests {
		got, err := tt.source.Input(Ground{Build: Base{Facts: Facts{Mirror: "http://mirror.example/debian/"}}})
		if err != nil || got != tt.want {
			t.Errorf("%+v, want %+v (%v)", got, tt.want, err)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	t.Parallel()
	url := "https://files.example/a.zip"
	tests := []struct {
		name   string
		source Source
		want   []string
	}{
		{"empty", Source{}, []string{"the component has no source", "url, debian or git"}},
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
			_, err := tt.source.Input(Ground{})
			testkit.WantText(t, err, tt.want...)
		})
	}
}

func TestFetchable(t *testing.T) {
	t.Parallel()
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

func TestSourceTree(t *testing.T) {
	t.Parallel()
	const name = "freesurfer/freesurfer:7.4.1"
	at := problem.Position{File: "components.toml", Line: 3, Col: 1}
	in, err := Source{Image: name + "@sha256:" + testkit.SHA256, Path: "/usr/local/freesurfer", At: at}.Tree(Ground{})
	if want := (llb.Input{Kind: llb.Files, Address: name + "@sha256:" + testkit.SHA256, Pin: "sha256:" + testkit.SHA256, At: at}); err != nil || in != want {
		t.Errorf("%+v, %v, want %+v", in, err, want)
	}
	if in, err = (Source{Git: "https://git.example/a.git", Commit: testkit.Commit}).Tree(Ground{}); err != nil || in.Kind != llb.Git {
		t.Errorf("a repository is %+v, %v", in, err)
	}
	if in, err = (Source{Image: name, Path: "/x"}).Tree(Ground{AllowUnpinned: true}); err != nil || in.Pinned() {
		t.Errorf("where that is allowed, an image without a digest is %+v, %v", in, err)
	}
	_, err = Source{Image: name, Path: "/x"}.Tree(Ground{})
	testkit.WantText(t, err, name+" is not pinned", `hint: add the digest: image = "`+name+"@sha256:")
	_, err = Source{Image: name + "@sha256:" + testkit.SHA256, Path: "/x"}.Input(Ground{})
	testkit.WantText(t, err, "is an image, which this stage cannot use", "hint: use url")
}

func TestSourceCheck(t *testing.T) {
	t.Parallel()
	const image = "name@sha256:" + testkit.SHA256
	for want, s := range map[string]Source{
		"exactly one of url, debian, git and image":          {SHA256: testkit.SHA256},
		"an image is pinned by its digest, not by":           {Image: image, Path: "/x", SHA256: testkit.SHA256},
		"image and path are only valid together":             {Image: image},
		`path "x/" is not an absolute path below the root`:   {Image: image, Path: "x/"},
		`path "/" is not an absolute path`:                   {Image: image, Path: "/"},
		"name@sha256:12: \"name@sha256:12\" does not pin it": {Image: "name@sha256:12", Path: "/x"},
		"submodules are those of a git repository":           {URL: "https://files.example/a.zip", SHA256: testkit.SHA256, Submodules: true},
		"name@md5:12": {Image: "name@md5:12", Path: "/x"},
	} {
		testkit.WantText(t, s.Check(), want)
	}
}
