package fetch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

const (
	anArchive   = "https://files.example/tool.zip"
	aRepository = "git://files.example/tool.git#" + testkit.Commit
	anImage     = "docker-image://docker.io/library/debian@sha256:" + testkit.SHA256
)

func TestWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source, said        string
		reason, hint        string
		transient, answered bool
	}{
		{anArchive, "invalid response status 404", "the server answers 404 Not Found", "open the address", false, true},
		{anArchive, "invalid response status 418", "the server answers 418 I'm a teapot", "open the address", false, false},
		{anArchive, "invalid response status 403", "the server answers 403 Forbidden", "~/.netrc", false, true},
		{anArchive, "invalid response status 401", "the server answers 401 Unauthorized", "requires a login", false, false},
		{anArchive, "invalid response status 500", "the server answers 500 Internal Server Error", "try again later", true, false},
		{anArchive, "invalid response status 429", "the server answers 429 Too Many Requests", "try again later", true, false},
		{anArchive, `Get "https://x": stopped after 10 redirects`, "stopped after 10 redirects", "redirects in a loop", false, false},
		{anArchive, `Head "https://x": dial tcp: no such host`, "dial tcp: no such host", "check that the address", false, false},
		{anArchive, "unexpected EOF", "unexpected EOF", "the connection was interrupted", true, false},
		{aRepository, "git error: exit 128\ngit stderr:\nfatal: reading\n  from x: early EOF", "fatal: reading from x: early EOF", "the connection was interrupted", true, false},
		{aRepository, "upload-pack: not our ref abc", "the repository has no such commit", "check the commit", false, true},
		{aRepository, "git stderr:\nfatal: could not read Username", "fatal: could not read Username", "~/.netrc", false, false},
		{aRepository, "git stderr:\nfatal: too many redirects followed", "fatal: too many redirects followed", "redirects in a loop", false, false},
		{anImage, "failed to load cache key: docker.io/library/debian: not found", "docker.io/library/debian: not found", "check the image's name", false, true},
		{anImage, "failed to load cache key: pull access denied: insufficient_scope", "pull access denied: insufficient_scope", "docker login", false, false},
		{anImage, `Get "https://x": stopped after 10 redirects`, "stopped after 10 redirects", "a proxy on the way, redirects", false, false},
		{anImage, "unexpected commit digest sha256:0", "unexpected commit digest sha256:0", "a proxy on the way", false, false},
		{anImage, "unexpected status: 503 Service Unavailable", "unexpected status: 503 Service Unavailable", "registry has a problem", true, false},
		{anArchive, `Get "https://x": dial tcp 127.0.0.1:1: connect: connection refused`, "dial tcp 127.0.0.1:1: connect: connection refused", "nothing listens there", true, false},
		{anArchive, "no active session for abc: context deadline exceeded", "no active session for abc: context deadline exceeded", "lost its connection", true, false},
		{aRepository, "git stderr:\nfatal: unable to access 'x': Recv failure: Connection reset by peer", "fatal: unable to access 'x': Recv failure: Connection reset by peer", "the connection was interrupted", true, false},
		{aRepository, "git stderr:\nfatal: unable to access 'x': The requested URL returned error: 429", "fatal: unable to access 'x': The requested URL returned error: 429", "limits the rate", true, false},
		{aRepository, "git stderr:\nfatal: unable to access 'x': The requested URL returned error: 503", "fatal: unable to access 'x': The requested URL returned error: 503", "server has a problem", true, false},
		{aRepository, "git stderr:\nerror: inflate: data stream error (incorrect header check)\nfatal: index-pack failed", "error: inflate: data stream error (incorrect header check) fatal: index-pack failed", "the data is damaged", true, false},
		{aRepository, "git stderr:\nfatal: unable to access 'x': Failed to connect to x port 1 after 0 ms: Couldn't connect to server", "fatal: unable to access 'x': Failed to connect to x port 1 after 0 ms: Couldn't connect to server", "nothing listens there", true, false},
		{aRepository, "git stderr:\nfatal: repository 'x' not found", "fatal: repository 'x' not found", "may have moved, or be private", false, true},
		{aRepository, "git stderr:\nfatal: x/info/refs not valid: is this a git repository?", "fatal: x/info/refs not valid: is this a git repository?", "no git server", false, false},
		{aRepository, `exec: "git": executable file not found in $PATH`, `exec: "git": executable file not found in $PATH`, "install git", false, true},
		{anImage, "unexpected status from GET request to x: 429 Too Many Requests", "unexpected status from GET request to x: 429 Too Many Requests", "docker login", true, false},
		{anImage, `failed to do request: Head "https://x": EOF`, "EOF", "the connection was interrupted", true, false},
		{anImage, `failed to do request: Head "https://x": http: server gave HTTP response to HTTPS client`, "http: server gave HTTP response to HTTPS client", "[[registries]] insecure", false, false},
		{anImage, "unexpected status from HEAD request to http://127.0.0.1:5/v2/x: 400 Bad Request", "unexpected status from HEAD request to http://127.0.0.1:5/v2/x: 400 Bad Request", "[[registries]] ca", false, false},
		{anArchive, `Get "https://x": net/http: timeout awaiting response headers`, "net/http: timeout awaiting response headers", "the connection was interrupted", true, false},
		{anImage, "unexpected end of JSON input", "unexpected end of JSON input", "a proxy on the way", true, false},
	} {
		f := Why(&pb.SourceOp{Identifier: c.source}, c.said)
		hinted := c.hint == "" && len(f.Hints) == 0 || c.hint != "" && strings.Contains(strings.Join(f.Hints, "\n"), c.hint)
		if f.Reason != c.reason || f.Transient != c.transient || f.Answered != c.answered || !hinted {
			t.Errorf("%s: %q is %+v", c.source, c.said, f)
		}
	}
}

func TestAmbiguous(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]bool{"digest mismatch sha256:1: sha256:2": true, "invalid response status 404": false} {
		if got := Ambiguous(&pb.SourceOp{Identifier: anArchive}, said); got != want {
			t.Errorf("%q: %v", said, got)
		}
	}
	if Ambiguous(&pb.SourceOp{Identifier: aRepository}, "digest mismatch") {
		t.Error("a repository has no checksum")
	}
}

func TestUnpinned(t *testing.T) {
	t.Parallel()
	s := &pb.SourceOp{Identifier: anArchive, Attrs: map[string]string{pb.AttrHTTPChecksum: "sha256:1", pb.AttrHTTPFilename: "tool.zip"}}
	got := Unpinned(s)
	if got.Identifier != anArchive || len(got.Attrs) != 1 || got.Attrs[pb.AttrHTTPFilename] != "tool.zip" || len(s.Attrs) != 2 {
		t.Errorf("%v of %v", got, s)
	}
}

func TestOther(t *testing.T) {
	t.Parallel()
	s := &pb.SourceOp{Identifier: anArchive, Attrs: map[string]string{pb.AttrHTTPChecksum: "sha256:1"}}
	for now, want := range map[digest.Digest]Failure{
		"":         {Reason: "the server first answered with an error"},
		"sha256:1": {Reason: "the server first answered with an error", Transient: true},
		"sha256:2": {Reason: "the file is not the one that is pinned\n  expected sha256:1\n  got      sha256:2", Answered: true},
	} {
		f := Other(s, now)
		if !strings.HasPrefix(f.Reason, want.Reason) || f.Transient != want.Transient || f.Answered != want.Answered {
			t.Errorf("%q: %+v", now, f)
		}
	}
}

func TestCame(t *testing.T) {
	t.Parallel()
	sum := digest.FromString("other")
	for _, said := range []string{"digest mismatch " + sum.String() + ": sha256:1", "digest mismatch for https://x/y: " + sum.String() + " (expected: sha256:1)"} {
		if got := Came(said); got != sum {
			t.Errorf("%q: %q", said, got)
		}
	}
	if got := Came("unexpected EOF"); got != "" {
		t.Errorf("%q", got)
	}
	if f := Other(&pb.SourceOp{Attrs: map[string]string{pb.AttrHTTPChecksum: "sha256:1"}}, digest.FromString("")); f.Reason != "the server sent an empty file" || !f.Transient {
		t.Errorf("%+v", f)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	if f := Late(5 * time.Second); !strings.HasPrefix(f.Reason, "not fetched within 5s") || f.Transient || !f.Slow || f.Answered || len(f.Hints) != 1 {
		t.Errorf("%+v", f)
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	blob := "sha256:" + testkit.SHA256
	for said, want := range map[string][]string{
		"failed to copy: httpReadSeeker: " + blob: {blob},
		`failed commit on ref "layer-` + blob:     {blob},
		"failed to copy: unexpected EOF":          nil,
	} {
		if blobs, yes := Layers(said); !yes || !slices.Equal(blobs, want) {
			t.Errorf("%q: %q, %v", said, blobs, yes)
		}
	}
	if _, yes := Layers("exit code: 1 " + blob); yes {
		t.Error("a command's failure is a layer's")
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		anArchive: anArchive, aRepository: "files.example/tool.git", anImage: "docker.io/library/debian@sha256:" + testkit.SHA256,
		"local://context": "", "oci-layout://store@sha256:0": "",
	} {
		if got := Address(&pb.SourceOp{Identifier: id}); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	full := &pb.SourceOp{Identifier: aRepository, Attrs: map[string]string{pb.AttrFullRemoteURL: "https://files.example/tool.git"}}
	if got := Address(full); got != "https://files.example/tool.git" || Address(nil) != "" {
		t.Errorf("%q", got)
	}
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://files.example/tool.zip?x=1":        "https://files.example/tool.zip?x=1",
		"git https://git.example/x.git":             "https://git.example/x.git/info/refs?service=git-upload-pack",
		"git git@git.example:x.git":                 "",
		"127.0.0.1:5000/hub/tool:1":                 "http://127.0.0.1:5000/v2/hub/tool/manifests/1",
		"hub.example/tool@sha256:" + testkit.SHA256: "https://hub.example/v2/tool/manifests/sha256:" + testkit.SHA256,
		"NOT an image":                              "",
	} {
		at, repository := strings.CutPrefix(address, "git ")
		if got := Question(at, repository); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{anArchive, "https://one.example/tool.zip", "https://one.example/tool.zip"},
		{anImage, "hub.example/debian@sha256:0", "docker-image://hub.example/debian@sha256:0"},
		{aRepository, "https://one.example/x.git", "git://one.example/x.git#" + testkit.Commit},
		{aRepository, "no address", "git://no address#" + testkit.Commit},
		{"git://files.example/x.git", "https://one.example/x.git", "git://one.example/x.git"},
	} {
		s := &pb.SourceOp{Identifier: c.from, Attrs: map[string]string{pb.AttrKnownSSHHosts: "x", pb.AttrMountSSHSock: "y"}}
		Send(s, c.to)
		if s.Identifier != c.want {
			t.Errorf("%s sent to %s: %s, want %s", c.from, c.to, s.Identifier, c.want)
		}
		if strings.HasPrefix(c.from, "git") && (len(s.Attrs) != 1 || s.Attrs[pb.AttrFullRemoteURL] != c.to) {
			t.Errorf("attributes %v", s.Attrs)
		}
	}
}
