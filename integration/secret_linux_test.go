package integration

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
)

// planted are the values that must be found nowhere.
var planted = []string{"pl4nted-token-value", "pl4nted-proxy-password", "pl4nted-index-password"}

// lookConfigure says whether it sees the secret, and not what it is.
const lookConfigure = `import os
p = '/run/medbuild/secrets/token'
print('%s: secret of', os.path.getsize(p) if os.path.exists(p) else 'no', 'bytes')
`

// A build with a secret and a site with passwords: only the component that
// names the secret sees it, and no value is found anywhere.
func TestSecretsAreFoundNowhere(t *testing.T) {
	root := kit.SharedEngine(t)
	// The packages come from the network, which the planted proxy would keep away.
	kit.Built(t, secretProject(t), "--secret", "id=token,src=token").OK(t)
	plantSite(t)
	look := finder{t: t, from: time.Now()}
	for _, progress := range []string{"plain", "rawjson"} {
		look.dir = secretProject(t)
		r := kit.Finish(t, kit.In(look.dir, kit.Command(t, "build", "--progress", progress, "--secret", "id=token,src=token",
			"--output", "type=oci,tar=false,dest=out", "--metadata-file", "metadata.json", "--iidfile", "iid"))).OK(t)
		look.in(progress+" output", []byte(r.Stdout+r.Stderr))
		if progress == "plain" {
			seesOnly(t, r)
		}
		plan := kit.Finish(t, kit.In(look.dir, kit.Command(t, "plan", "--format", "json", "--target", "all"))).OK(t)
		look.in("plan", []byte(plan.Stdout))
		look.inFiles("metadata.json", "iid")
		look.inImage("out")
	}
	look.inFolder(root)
	look.inFolder(os.Getenv("XDG_CACHE_HOME"))
	if !look.log {
		t.Error("the engine's log was not looked at")
	}
}

func secretProject(t *testing.T) string {
	t.Helper()
	tables := []string{}
	for _, name := range []string{"sees", "blind"} {
		table := standins.MRtrix3(t, kit.Site(t), kit.Own(t, fmt.Sprintf(lookConfigure, name)))
		tables = append(tables, name, fmt.Sprintf("stage = \"mrtrix3\"\nprefix = \"/opt/%s\"\n", name)+table)
	}
	tables[1] = "secrets = [\"token\"]\n" + tables[1]
	dir := kit.Project(t, kit.Components(tables...))
	kit.WriteFile(t, filepath.Join(dir, "token"), planted[0])
	return dir
}

func seesOnly(t *testing.T, r kit.Result) {
	t.Helper()
	if !strings.Contains(r.Stderr, fmt.Sprintf("sees: secret of %d bytes", len(planted[0]))) || !strings.Contains(r.Stderr, "blind: secret of no bytes") {
		t.Errorf("who sees the secret? %s", r.Stderr)
	}
}

func plantSite(t *testing.T) {
	t.Setenv("https_proxy", "http://user:"+planted[1]+"@127.0.0.1:9")
	t.Setenv("PIP_INDEX_URL", "https://user:"+planted[2]+"@index.example.org/simple")
	t.Setenv("UV_INDEX_URL", "https://user:"+planted[2]+"@index.example.org/simple")
}

// finder looks for the planted values.
type finder struct {
	t    *testing.T
	dir  string
	from time.Time // files that nobody has touched since hold nothing
	log  bool      // the engine's log was among the files
}

func (f *finder) in(what string, data []byte) {
	f.t.Helper()
	for _, value := range planted {
		coded := base64.RawStdEncoding.EncodeToString([]byte(value))
		for _, form := range []string{value, coded[:len(coded)-2]} {
			if bytes.Contains(data, []byte(form)) {
				f.t.Errorf("%s holds %s", what, form)
			}
		}
	}
}

func (f *finder) inFiles(names ...string) {
	f.t.Helper()
	for _, name := range names {
		f.in(name, kit.Must(os.ReadFile(filepath.Join(f.dir, name)))(f.t))
	}
}

// inImage looks at every blob of an OCI layout, as it is and unpacked.
func (f *finder) inImage(name string) {
	f.t.Helper()
	f.inFolder(filepath.Join(f.dir, name))
	layers := kit.Must(kit.OpenLayout(f.t, filepath.Join(f.dir, name)).Layers())(f.t)
	for _, l := range layers {
		r := kit.Must(l.Uncompressed())(f.t)
		f.in("a layer", kit.Must(io.ReadAll(r))(f.t))
		kit.NoError(f.t, r.Close())
	}
}

func (f *finder) inFolder(dir string) {
	f.t.Helper()
	kit.NoError(f.t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() || changed(info).Before(f.from) {
			return err
		}
		f.log = f.log || filepath.Base(path) == "buildkitd.log"
		data, err := os.ReadFile(path)
		f.in(path, data)
		return err
	}))
}

// changed is when a file or its name, owner or times were written last. Steps set
// the times of their files, but not this one.
func changed(info os.FileInfo) time.Time {
	at := info.Sys().(*syscall.Stat_t).Ctim
	return time.Unix(at.Sec, at.Nsec)
}

// The site and the number of jobs are no part of what is built: with other ones
// everything is cached and the image is the same.
func TestSiteIsInNoKey(t *testing.T) {
	kit.SharedEngine(t)
	dir := kit.Project(t, kit.Components("mrtrix3", standins.MRtrix3(t, kit.Site(t), kit.Own(t, standins.GoodConfigure))))
	first := kit.Built(t, dir, "--output", "type=oci,tar=false,dest=one").OK(t)
	plantSite(t)
	kit.WriteFile(t, filepath.Join(dir, "ca.pem"), "# no certificate\n")
	t.Setenv("SSL_CERT_FILE", filepath.Join(dir, "ca.pem"))
	second := kit.Built(t, dir, "--jobs", "1", "--output", "type=oci,tar=false,dest=two").OK(t)
	if first.Stdout != second.Stdout || first.Stdout == "" {
		t.Errorf("two images: %s and %s", first.Stdout, second.Stdout)
	}
	for _, part := range []string{"base", "packages", "mrtrix3", "manifest"} {
		if !second.Cached(part) {
			t.Errorf("%s was built again: %s", part, second.Stderr)
		}
	}
}
