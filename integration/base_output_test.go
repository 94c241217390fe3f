package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
)

// bothTools is a project with a compiled component and an unpacked one.
func bothTools(t *testing.T) string {
	t.Helper()
	s := kit.Site(t)
	return kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, s, standins.GoodConfigure), "ants", standins.ANTs(t, s, standins.GoodANTs)))
}

// The image has what it is for and nothing of how it was made.
func TestImageIsClean(t *testing.T) {
	kit.SharedEngine(t)
	t.Setenv("SOURCE_DATE_EPOCH", "1735689600") // 2025-01-01
	dir := bothTools(t)
	kit.Built(t, dir, "--output", "type=oci,tar=false,dest=out").OK(t)
	img := kit.OpenLayout(t, filepath.Join(dir, "out"))
	if n := len(kit.Must(img.Layers())(t)); n >= 20 {
		t.Errorf("%d layers", n)
	}
	have := kit.FilesOf(t, img)
	for _, p := range []string{"/opt/mrtrix3/bin/mrinfo", "/opt/mrtrix3/lib/mrtrix3.py", "/opt/ants/bin/antsRegistration"} {
		if have[p] == nil {
			t.Errorf("%s is missing", p)
		}
	}
	f := kit.Must(os.Open(kit.BaseTar(t)))(t)
	defer f.Close()
	base := kit.FilesIn(t, f)
	for p := range have {
		if base[p] == nil && unwanted.MatchString(p) {
			t.Errorf("the image has %s", p)
		}
	}
	manifestOf(t, dir)
}

// unwanted is what belongs to building: compilers, caches and lists of package
// managers, sources, static libraries, what steps have for themselves.
var unwanted = regexp.MustCompile(`^/usr/bin/(.*-)?(cc|gcc|g\+\+|c\+\+|cpp|ld|make|ccache)(-[0-9.]+)?$|^/var/lib/apt/lists/.|^/var/cache/apt/.|\.(a|deb)$|/(3\.0\.4\.tar\.gz|ants-.*\.zip)$|^/run/medbuild|^/tmp/.`)

// manifestOf reads the manifest from the image's files, as they are written to a
// folder.
func manifestOf(t *testing.T, dir string) {
	t.Helper()
	kit.Built(t, dir, "--output", "type=local,dest=files").OK(t)
	got := string(kit.Must(os.ReadFile(filepath.Join(dir, "files/VERSION_MANIFEST.txt")))(t))
	want := "# Medical Image Processing Service Version Manifest\n# Generated: 2025-01-01\n\nSERVICE_VERSION=1\nBASE_IMAGE=BASE\n" +
		"\n# Medical Imaging Software\nMRTRIX3_VERSION=3.0.4\nANTS_VERSION=2.5.4\n"
	got = regexp.MustCompile(`BASE_IMAGE=.*`).ReplaceAllString(got, "BASE_IMAGE=BASE")
	if got != want {
		t.Errorf("manifest %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "files.partial")); err == nil {
		t.Error("files.partial is left")
	}
}

// Other tools take the image: skopeo as it is, umoci 0.4.7 with gzip.
func TestOtherToolsTakeTheImage(t *testing.T) {
	kit.SharedEngine(t)
	dir := bothTools(t)
	kit.Built(t, dir, "--output", "type=oci,tar=false,dest=zstd", "--tag", "example.org/test:1").OK(t)
	kit.Built(t, dir, "--output", "type=oci,tar=false,dest=gzip,compression=gzip,force-compression=true", "--tag", "example.org/test:1").OK(t)
	if inspected := kit.Tool(t, dir, "skopeo", "inspect", "--raw", "oci:zstd"); strings.Count(inspected, "tar+zstd") < 4 {
		t.Errorf("the layers are not zstd: %s", inspected)
	}
	kit.Tool(t, dir, "skopeo", "copy", "--quiet", "oci:zstd", "oci:copy")
	if a, b := kit.Must(kit.OpenLayout(t, filepath.Join(dir, "zstd")).Digest())(t), kit.Must(kit.OpenLayout(t, filepath.Join(dir, "copy")).Digest())(t); a != b {
		t.Errorf("the copy is %s, not %s", b, a)
	}
	tag := onlyTag(t, filepath.Join(dir, "gzip"))
	kit.Tool(t, dir, "umoci", "unpack", "--image", "gzip:"+tag, "bundle")
	if _, err := os.Stat(filepath.Join(dir, "bundle/rootfs/opt/mrtrix3/bin/mrinfo")); err != nil {
		t.Error(err)
	}
}

func onlyTag(t *testing.T, dir string) string {
	t.Helper()
	m := kit.Must(kit.Must(layout.ImageIndexFromPath(dir))(t).IndexManifest())(t)
	return m.Manifests[0].Annotations["org.opencontainers.image.ref.name"]
}

// An engine with an empty root that is given the registry's cache has nothing
// to run, and makes the same image. Other tests have had this engine export the
// same layers as gzip: the cache is to have them as the image has.
func TestRegistryCache(t *testing.T) {
	kit.SharedEngine(t)
	host := kit.RegistryHost(t)
	dir := bothTools(t)
	args := []string{"--push", "--tag", host + "/test:1", "--cache-to", "type=registry,mode=max,force-compression=true,ref=" + host + "/cache", "--metadata-file", "m.json"}
	first := kit.Built(t, dir, args...).OK(t)
	if !strings.Contains(kit.Tool(t, dir, "skopeo", "inspect", "--raw", "--tls-verify=false", "docker://"+host+"/test:1"), "tar+zstd") {
		t.Error("the pushed image has no zstd layers")
	}
	kit.EmptyEngine(t)
	second := kit.Built(t, dir, "--push", "--tag", host+"/test:2", "--cache-from", "type=registry,ref="+host+"/cache").OK(t)
	for _, part := range []string{"packages", "mrtrix3", "ants", "manifest"} {
		if !second.Cached(part) {
			t.Errorf("%s was built again: %s", part, second.Stderr)
		}
	}
	_, one, _ := strings.Cut(first.Stdout, "@")
	if _, two, _ := strings.Cut(second.Stdout, "@"); one != two || one == "" {
		t.Errorf("two images: %s and %s", one, two)
		for _, tag := range []string{"1", "2"} {
			t.Log(kit.Tool(t, dir, "skopeo", "inspect", "--raw", "--tls-verify=false", "docker://"+host+"/test:"+tag))
			t.Log(kit.Tool(t, dir, "skopeo", "inspect", "--raw", "--config", "--tls-verify=false", "docker://"+host+"/test:"+tag))
		}
	}
}

// A folder that is exported to again holds the last image and nothing else.
func TestOrphansAreCollected(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	var dir string
	out := filepath.Join(t.TempDir(), "out")
	for range 2 {
		dir = kit.Project(t, kit.Components("ants", standins.ANTs(t, s, kit.Own(t, standins.GoodANTs))))
		kit.Built(t, dir, "--output", "type=oci,tar=false,dest="+out, "--tag", "example.org/test:1").OK(t)
	}
	img := kit.OpenLayout(t, out)
	layers := kit.Must(img.Layers())(t)
	blobs := kit.Must(filepath.Glob(filepath.Join(out, "blobs/sha256/*")))(t)
	if want := distinct(t, layers) + 2; len(blobs) != want {
		t.Errorf("%d blobs, want %d", len(blobs), want)
	}
}

func distinct(t *testing.T, layers []v1.Layer) int {
	t.Helper()
	all := map[v1.Hash]bool{}
	for _, l := range layers {
		all[kit.Must(l.Digest())(t)] = true
	}
	return len(all)
}
