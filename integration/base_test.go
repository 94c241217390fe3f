package integration

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
)

// hardEntries is what merges and copies easily lose: a set-gid home of a user, a
// symlinked folder, a file capability, hard links, an owner of a deep folder.
func hardEntries() []*tar.Header {
	capability := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // cap_net_raw=ep, version 2
	return []*tar.Header{
		{Name: "./home/jovyan/", Typeflag: tar.TypeDir, Mode: 0o2770, Uid: 1000, Gid: 100},
		{Name: "./home/jovyan/work/", Typeflag: tar.TypeDir, Mode: 0o2775, Uid: 1000, Gid: 100},
		{Name: "./home/jovyan/work/notes", Typeflag: tar.TypeReg, Mode: 0o640, Uid: 1000, Gid: 100},
		{Name: "./home/linked", Typeflag: tar.TypeSymlink, Linkname: "jovyan", Mode: 0o777},
		{Name: "./srv/sticky/", Typeflag: tar.TypeDir, Mode: 0o1777, Uid: 33, Gid: 33},
		{Name: "./srv/ping", Typeflag: tar.TypeReg, Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": capability}},
		{Name: "./srv/suid", Typeflag: tar.TypeReg, Mode: 0o4755},
		{Name: "./srv/suid-too", Typeflag: tar.TypeLink, Linkname: "./srv/suid", Mode: 0o4755},
	}
}

// hardTar writes the Debian base with hardEntries as a tar.
func hardTar(t *testing.T, path string) {
	t.Helper()
	in := kit.Must(os.Open(kit.BaseTar(t)))(t)
	defer in.Close()
	out := kit.Must(os.Create(path))(t)
	defer out.Close()
	w := tar.NewWriter(out)
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		kit.NoError(t, err)
		kit.NoError(t, w.WriteHeader(h))
		kit.Must(io.Copy(w, r))(t)
	}
	for _, h := range hardEntries() {
		h.ModTime = time.Unix(946684800, 0)
		kit.NoError(t, w.WriteHeader(h))
	}
	kit.NoError(t, w.Close())
}

// baseConfig is a configuration with everything that a base may state.
func baseConfig() v1.Config {
	return v1.Config{
		User: "1000:100", Entrypoint: []string{"/bin/tini", "--"}, Cmd: []string{"start.sh"}, WorkingDir: "/home/jovyan",
		Env:          []string{"PATH=/opt/conda/bin:/usr/bin:/bin", "LANG=C.UTF-8"},
		Labels:       map[string]string{"org.example.maintainer": "somebody"},
		ExposedPorts: map[string]struct{}{"8888/tcp": {}}, Volumes: map[string]struct{}{"/data": {}},
		StopSignal: "SIGINT", Shell: []string{"/bin/bash", "-c"},
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "true"}, Interval: time.Minute, Retries: 2},
	}
}

// hardImage is the tar as an image.
func hardImage(t *testing.T, path string) v1.Image {
	t.Helper()
	layer := kit.Must(tarball.LayerFromFile(path, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(1)))(t)
	img := mutate.MediaType(kit.Must(mutate.AppendLayers(empty.Image, layer))(t), types.OCIManifestSchema1)
	config := kit.Must(img.ConfigFile())(t).DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", "amd64", baseConfig()
	return kit.Must(mutate.ConfigFile(img, config))(t)
}

// Every path of the base is in the image as it was, for all kinds of base.
func TestBaseIsKept(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	dir := kit.Project(t, kit.Components("ants", "prefix = \"/home/jovyan/ants\"\n"+standins.ANTs(t, s, kit.Own(t, standins.GoodANTs))))
	text := string(kit.Must(os.ReadFile(filepath.Join(dir, "components.toml")))(t))
	file := filepath.Join(dir, "base.tar")
	hardTar(t, file)
	img := hardImage(t, file)
	kit.Must(layout.Write(filepath.Join(dir, "layout"), mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})))(t)
	reference := kit.RegistryHost(t) + "/base@" + kit.Must(img.Digest())(t).String()
	kit.NoError(t, remote.Write(kit.Must(name.NewDigest(reference))(t), img))
	f := kit.Must(os.Open(file))(t)
	defer f.Close()
	base := kit.FilesIn(t, f)
	for _, kind := range []string{`tar = "base.tar"`, `oci = "layout"`, `image = "` + reference + `"`, "flatten = true\noci = \"layout\""} {
		word, _, _ := strings.Cut(kind, " ")
		t.Run(word, func(t *testing.T) {
			kit.WriteFile(t, filepath.Join(dir, "components.toml"), withBase(text, kind))
			r := kit.Built(t, dir, "--output", "type=oci,tar=false,dest=out-"+word).OK(t)
			got := kit.OpenLayout(t, filepath.Join(dir, "out-"+word))
			have := kit.FilesOf(t, got)
			have.Keeps(t, base, nothing)
			if have["/home/jovyan/ants/bin/antsRegistration"] == nil || have["/VERSION_MANIFEST.txt"] == nil {
				t.Errorf("the image lacks its components: %s", r.Stderr)
			}
			if word != "tar" {
				configKept(t, kit.Must(got.ConfigFile())(t).Config)
			}
			if strings.Contains(r.Stderr, "[base] flatten") != (word == "flatten") {
				t.Errorf("whether the base is made flat is not what the file says: %s", r.Stderr)
			}
		})
	}
}

func withBase(text, kind string) string {
	lines := strings.Split(text, "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "tar = ") })
	lines[i] = kind
	return strings.Join(lines, "\n")
}

// configKept fails the test unless the configuration is the base's with ANTs'
// variables and labels added.
func configKept(t *testing.T, got v1.Config) {
	t.Helper()
	want := baseConfig()
	want.Env = []string{"PATH=/home/jovyan/ants/bin:/opt/conda/bin:/usr/bin:/bin", "LANG=C.UTF-8", "ANTSPATH=/home/jovyan/ants/bin/"}
	if got.Labels["org.example.maintainer"] != "somebody" || got.Labels["org.opencontainers.image.version"] != "1" {
		t.Errorf("labels %v", got.Labels)
	}
	want.Labels = got.Labels
	if !reflect.DeepEqual(got, want) {
		t.Errorf("configuration\n  got  %+v\n  want %+v", got, want)
	}
}

// Packages change the package database and nothing else of the base.
func TestBaseIsKeptWithPackages(t *testing.T) {
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, kit.Site(t), standins.GoodConfigure)))
	kit.Built(t, dir, "--output", "type=oci,tar=false,dest=out").OK(t)
	f := kit.Must(os.Open(kit.BaseTar(t)))(t)
	defer f.Close()
	kit.FilesOf(t, kit.OpenLayout(t, filepath.Join(dir, "out"))).Keeps(t, kit.FilesIn(t, f), kit.ByPackages)
}

// A prefix below a link of the base would replace the link: it is refused.
func TestPrefixBelowLink(t *testing.T) {
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Components("ants", "prefix = \"/bin/ants\"\n"+standins.ANTs(t, kit.Site(t), standins.GoodANTs)))
	kit.Built(t, dir).Failed(t, 1, "components.toml:8:13", "ants", "/bin", "link to usr/bin", "\nhint: ")
}

// nothing changes without packages.
func nothing(string) bool { return false }

// A tar is sent to an engine by its digest, once: not for another client with a cache
// of its own, whose copy has another time.
func TestTarIsSentOnce(t *testing.T) {
	kit.EmptyEngine(t)
	if sent := transferred(t); !strings.Contains(sent, "MB") {
		t.Errorf("%s were sent to an empty engine", sent)
	}
	if sent := transferred(t); strings.Contains(sent, "MB") || strings.Contains(sent, "kB") {
		t.Errorf("%s were sent to an engine that has the tar", sent)
	}
}

// transferred is what a client sends of a tar of its own that it knows nothing of.
func transferred(t *testing.T) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	from := kit.Must(os.Open(kit.BaseTar(t)))(t)
	defer from.Close()
	to := kit.Must(os.Create(filepath.Join(dir, "root.tar")))(t)
	kit.Must(io.Copy(to, from))(t)
	kit.NoError(t, to.Close())
	kit.WriteFile(t, filepath.Join(dir, "components.toml"), strings.Replace(kit.Head, "BASE", "root.tar", 1)+"\n[targets.all]\nbase = \"trixie\"\ncomponents = []\n")
	r := kit.Built(t, dir).OK(t)
	all := regexp.MustCompile(`transferring base-trixie: \S+`).FindAllString(r.Stderr, -1)
	if all == nil {
		t.Fatalf("nothing was asked for: %s", r.Stderr)
	}
	return strings.Join(all, ", ")
}
