package faults

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/upstream"
)

const (
	toolPath    = "/lab/tool/releases/download/v1/tool-1.tar.gz"
	scriptsPath = "/lab/scripts.git"

	readerPassword = "only-the-netrc-knows-5a1d"
	pullerPassword = "only-docker-knows-77c3"
)

// guarded serves h below /gh to who has the login.
func guarded(t *testing.T, user, password string, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func hostOf(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// pushBase puts the Debian base into a registry, whose login is in the Docker
// config, and returns its digest.
func pushBase(t *testing.T, reference string) string {
	t.Helper()
	data := kit.Must(os.ReadFile(kit.BaseTar(t)))(t)
	img := kit.Must(mutate.AppendLayers(empty.Image, static.NewLayer(data, types.OCIUncompressedLayer)))(t)
	config := kit.Must(img.ConfigFile())(t).DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	config.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "FROM_THE_BASE=1"}
	img = kit.Must(mutate.ConfigFile(mutate.MediaType(img, types.OCIManifestSchema1), config))(t)
	ref := kit.Must(name.ParseReference(reference, name.Insecure))(t)
	kit.NoError(t, remote.Write(ref, img, remote.WithAuthFromKeychain(dockerLogins())))
	return kit.Must(img.Digest())(t).String()
}

// toolSite serves an archive and a repository.
func toolSite(t *testing.T, s *upstream.Site) (sum, commit string) {
	t.Helper()
	_, sum = s.Put(toolPath, kit.Tar(t, map[string]string{"tool-1/bin/tool": "#!/bin/sh\necho tool 1.0\n"}))
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "bin/script"), "#!/bin/sh\necho script 2.0\n")
	_, commit, err := s.Repository(scriptsPath, dir)
	kit.NoError(t, err)
	return sum, commit
}

func mirroredToml(base, sum, commit string) string {
	return fmt.Sprintf(`[image]
name = "example.org/test"
version = "1"

[bases.debian]
%s

[components.tool]
stage = "archive"
version = "1.0"
prefix = "/opt/tool"
strip = 1
licence = "MIT"
version_command = "/opt/tool/bin/tool"
source = { url = "https://github.com%s"%s }

[components.scripts]
stage = "archive"
version = "2.0"
prefix = "/opt/scripts"
licence = "MIT"
version_command = "sh /opt/scripts/bin/script"
source = { git = "https://github.com%s"%s }

[targets.all]
base = "debian"
components = ["tool", "scripts"]
`, base, toolPath, sum, scriptsPath, commit)
}

// The sources are where they cannot be reached, the first mirror of each is
// dead, the second wants a login: the image is built all the same, and what was
// fetched is known again without the mirrors.
func TestMirrors(t *testing.T) {
	root := kit.EmptyEngine(t)
	s := kit.Site(t)
	sum, commit := toolSite(t, s)
	gh := guarded(t, "reader", readerPassword, http.StripPrefix("/gh", s))
	hub := guarded(t, "puller", pullerPassword, kit.EmptyRegistry())
	logins(t, hostOf(hub))
	dgst := pushBase(t, hostOf(hub)+"/hub/library/debian-test:latest")
	dead := strings.TrimPrefix(kit.Must(upstream.Refused(""))(t), "http://")
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "components.toml"), mirroredToml(`image = "debian-test@`+dgst+`"`,
		`, sha256 = "`+sum+`"`, `, commit = "`+commit+`"`))
	kit.WriteFile(t, filepath.Join(dir, "site.toml"), fmt.Sprintf("[[mirrors]]\nfrom = \"https://github.com\"\nto = [\"http://%s/gh\", \"%s/gh\"]\n"+
		"[[mirrors]]\nfrom = \"docker.io\"\nto = [\"%s/hub\", \"%s/hub\"]\n", dead, gh.URL, dead, hostOf(hub)))
	t.Setenv("MEDBUILD_SITE", filepath.Join(dir, "site.toml"))

	r := kit.Built(t, dir, "--metadata-file", "metadata.json", "--output", "type=oci,dest=image,tar=false").OK(t)
	for _, want := range []string{"tool: fetch http://" + dead + "/gh" + toolPath, "connection refused; trying " + gh.URL + "/gh" + toolPath} {
		if !strings.Contains(r.Stderr, want) {
			t.Errorf("the progress lacks %q: %s", want, r.Stderr)
		}
	}
	plan := kit.Finish(t, kit.In(dir, kit.Command(t, "plan", "--target", "all", "--format", "json"))).OK(t).Stdout
	if !strings.Contains(plan, "https://github.com"+toolPath) || strings.Contains(plan, hostOf(gh)) {
		t.Error("the plan is not that of the sources' own addresses")
	}
	for _, secret := range []string{readerPassword, pullerPassword} {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte("reader:" + secret)), base64.StdEncoding.EncodeToString([]byte("puller:" + secret))} {
			nowhere(t, form, root, filepath.Join(dir, "image"), filepath.Join(dir, "metadata.json"))
			if strings.Contains(plan+r.Stdout+r.Stderr, form) {
				t.Error("a password was printed")
			}
		}
	}

	gh.Close() // by its checksum or commit a source is known wherever it comes from
	t.Setenv("MEDBUILD_SITE", "")
	r = kit.Built(t, dir, "--mirror", "docker.io/library="+hostOf(hub)+"/hub/library").OK(t)
	for _, c := range []string{"tool", "scripts"} {
		if !r.Cached(c) {
			t.Errorf("without the mirrors %s is built again: %s", c, r.Stderr)
		}
	}
}

// A registry that is not this machine speaks plain http only where the site file
// says that it may.
func TestInsecureRegistry(t *testing.T) {
	kit.EmptyEngine(t)
	ip := ownAddress(t)
	l := kit.Must(net.Listen("tcp", ip+":0"))(t)
	hub := httptest.NewUnstartedServer(kit.EmptyRegistry())
	hub.Listener = l
	hub.Start()
	t.Cleanup(hub.Close)
	dgst := pushBase(t, hostOf(hub)+"/hub/library/debian-test:latest")
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "components.toml"), `[image]
name = "example.org/test"
version = "1"

[bases.debian]
image = "debian-test@`+dgst+`"

[targets.all]
base = "debian"
components = []
`)
	site := "[[mirrors]]\nfrom = \"docker.io\"\nto = [\"" + hostOf(hub) + "/hub\"]\n"
	t.Setenv("MEDBUILD_SITE", filepath.Join(dir, "site.toml"))
	kit.WriteFile(t, filepath.Join(dir, "site.toml"), site)
	kit.Built(t, dir).Failed(t, 1, "components.toml:5:8: ", "fetch docker.io/library/debian-test@"+dgst+": no mirror has it\n  "+hostOf(hub)+"/hub/library/debian-test@", "HTTPS")
	kit.WriteFile(t, filepath.Join(dir, "site.toml"), site+"insecure = true\n")
	kit.Built(t, dir).OK(t)
}

// ownAddress is an address of this machine that is not loopback.
func ownAddress(t *testing.T) string {
	t.Helper()
	for _, a := range kit.Must(net.InterfaceAddrs())(t) {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}

// nowhere fails the test when a file below the folders holds the text.
func nowhere(t *testing.T, text string, dirs ...string) {
	t.Helper()
	files := 0
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // sockets, and what goes while we look
			}
			data, err := os.ReadFile(path)
			files++
			if err == nil && bytes.Contains(data, []byte(text)) {
				t.Errorf("%s holds a password", path)
			}
			return nil
		})
	}
	if files == 0 {
		t.Error("nothing to look at")
	}
}

// Every mirror has another reason: the error has them all, the component, the
// place and the address that stands there.
func TestNoMirrorGivesIt(t *testing.T) {
	kit.SharedEngine(t)
	one, two, three := kit.Site(t), kit.Site(t), kit.Site(t)
	other := strings.Repeat("ab", 32)
	_, want := two.Put(toolPath, []byte("another file"))
	three.Put(toolPath, []byte("never seen"))
	three.FailAlways(toolPath, upstream.Status(503))
	_, commit := toolSite(t, one)
	dead := kit.Must(upstream.Refused(""))(t)
	dir := kit.Project(t, mirroredToml(`tar = "BASE"`, `, sha256 = "`+other+`"`, `, commit = "`+commit+`"`))
	args := []string{"--target", "tool"}
	for _, to := range []string{dead, addressOf(kit.Site(t)), addressOf(two), addressOf(three)} {
		args = append(args, "--mirror", "https://github.com/lab/tool="+to+"/lab/tool")
	}
	r := kit.Finish(t, kit.In(dir, kit.Command(t, append([]string{"build", "--progress", "plain"}, args...)...)))
	r.Failed(t, 75, "components.toml:15:1: tool: fetch https://github.com"+toolPath+": no mirror has it",
		"\n  "+dead+toolPath+": dial tcp", "connection refused",
		toolPath+": the server answers 404 Not Found",
		toolPath+": the file is not the one that is pinned\n    expected sha256:"+other+"\n    got      sha256:"+want,
		toolPath+": the server answers 503 Service Unavailable (3 tries)", "\nhint: ", "mirrors come from the site file and --mirror")
	if n := two.Asked(toolPath); n > 3 {
		t.Errorf("the wrong file was fetched %d times", n)
	}
}

// addressOf is the address of a site.
func addressOf(s *upstream.Site) string {
	address, _ := s.Put("/", nil)
	return strings.TrimSuffix(address, "/")
}

// A server that wants a login nobody has says what to do.
func TestMirrorWantsALogin(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	sum, commit := toolSite(t, s)
	gh := guarded(t, "reader", readerPassword, http.StripPrefix("/gh", s))
	t.Setenv("HOME", t.TempDir())
	dir := kit.Project(t, mirroredToml(`tar = "BASE"`, `, sha256 = "`+sum+`"`, `, commit = "`+commit+`"`))
	for _, target := range []string{"tool", "scripts"} {
		r := kit.Finish(t, kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--target", target, "--mirror", "https://github.com="+gh.URL+"/gh")))
		r.Failed(t, 1, target+": fetch https://github.com/lab", "no mirror has it\n  "+gh.URL+"/gh/lab/", "\nhint: ", "~/.netrc")
	}
}

// What nothing pins is refused, and taken for one run with the flag.
func TestAllowUnpinned(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	toolSite(t, s)
	hub := guarded(t, "puller", pullerPassword, kit.EmptyRegistry())
	logins(t, hostOf(hub))
	dgst := pushBase(t, hostOf(hub)+"/debian-test:13")
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "components.toml"), mirroredToml(`image = "`+hostOf(hub)+`/debian-test:13"`, "", ""))
	mirror := []string{"--mirror", "https://github.com=" + addressOf(s)}
	kit.Built(t, dir, mirror...).Failed(t, 1, "components.toml:5:8: base debian: image "+hostOf(hub)+"/debian-test:13 is not pinned", "--allow-unpinned")
	r := kit.Built(t, dir, append(mirror, "--allow-unpinned")...).OK(t)
	for _, want := range []string{"warning: components.toml:15:1: tool: https://github.com" + toolPath + " is not pinned", "scripts: https://github.com" + scriptsPath + " is not pinned"} {
		if !strings.Contains(r.Stderr, want) {
			t.Errorf("%q is not said: %s", want, r.Stderr)
		}
	}
	r = kit.Finish(t, kit.In(dir, kit.Command(t, append([]string{"run", "--target", "all", "--allow-unpinned"}, append(mirror, "--", "cat", "/VERSION_MANIFEST.txt")...)...))).OK(t)
	if !strings.Contains(r.Stdout, dgst) {
		t.Errorf("the manifest does not name the base's digest %s: %s", dgst, r.Stdout)
	}
}
