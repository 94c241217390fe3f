package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

// fetched is a project whose one source is served at path. place is how errors
// about it begin.
type fetched struct{ dir, path, place string }

// fetchedKinds makes a project of each kind of source that a site serves as one file.
func fetchedKinds() map[string]func(*testing.T, *upstream.Site) fetched {
	return map[string]func(*testing.T, *upstream.Site) fetched{
		"archive": func(t *testing.T, s *upstream.Site) fetched {
			return fetched{kit.Project(t, kit.Components("ants", standins.ANTs(t, s, kit.Own(t, standins.GoodANTs)))), standins.ANTsPath, "components.toml:10:1: ants: fetch http://127.0.0.1"}
		},
		"conda package": func(t *testing.T, s *upstream.Site) fetched {
			p := upstream.CondaPackage{Name: "tool", Version: "1.0", Build: "h1_0", Subdir: "linux-64", Licence: "MIT",
				Files: map[string]string{"bin/tool": kit.Own(t, "#!/bin/sh\necho tool 1.0\n")}}
			dir := kit.Project(t, kit.Components("tool", standins.CondaTable("tool")))
			kit.WriteFile(t, filepath.Join(dir, "tool.conda.tsv"), "# size, sha256, address, licence\n"+kit.Must(s.Conda(standins.ForgeChannel, p))(t))
			return fetched{dir, standins.ForgeChannel + "/linux-64/" + p.File(), "tool.conda.tsv:2:1: tool: fetch http://127.0.0.1"}
		},
	}
}

// endOf is the exit code of a command that says this: 75 where a source is out
// of tries and one more may succeed.
func endOf(says []string) int {
	if strings.Contains(strings.Join(says, ""), "(3 tries)") {
		return 75
	}
	return 1
}

// What passes is tried again, or waited for.
func TestFetchPasses(t *testing.T) {
	if testing.Short() {
		t.Skip("builds on an engine; run without -short")
	}
	kit.SharedEngine(t)
	for name, tt := range map[string]struct {
		faults []upstream.Fault
		says   string
	}{
		"500 twice":    {[]upstream.Fault{upstream.Status(500), upstream.Status(500)}, "500 Internal Server Error; trying again"},
		"cut off once": {[]upstream.Fault{upstream.Cut}, "trying again"},
		"slow":         {[]upstream.Fault{upstream.Slow(3 * time.Second)}, ""},
	} {
		for kind, make := range fetchedKinds() {
			t.Run(kind+" "+name, func(t *testing.T) {
				s := kit.Site(t)
				f := make(t, s)
				s.Fail(f.path, tt.faults...)
				if r := kit.Built(t, f.dir).OK(t); !strings.Contains(r.Stderr, tt.says) {
					t.Errorf("%q is not said: %s", tt.says, r.Stderr)
				}
				if n := s.Asked(f.path); tt.says == "" && n != 1 {
					t.Errorf("asked %d times", n)
				}
			})
		}
	}
}

// A release whose archive was replaced: the pin tells.
func TestMovedArchive(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	dir := kit.Project(t, kit.Components("ants", standins.ANTs(t, s, kit.Own(t, standins.GoodANTs))))
	_, moved := s.Put(standins.ANTsPath, []byte("published again under the same name"))
	kit.Built(t, dir).Failed(t, 1, "components.toml:10:1: ants: fetch http://127.0.0.1", standins.ANTsPath, "got      sha256:"+moved, "\nhint: either the file was changed upstream")
}

// repositoryProject is a project with a component from a repository of which the
// engine has seen nothing.
func repositoryProject(t *testing.T, s *upstream.Site) (dir, repository string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed (make tools does it)")
	}
	repository = t.TempDir()
	kit.WriteFile(t, filepath.Join(repository, "bin/script"), kit.Own(t, "#!/bin/sh\necho script 2.0\n"))
	address, commit, err := s.Repository(scriptsPath, repository)
	kit.NoError(t, err)
	return kit.Project(t, kit.Components("scripts", fmt.Sprintf("stage = \"archive\"\nversion = \"2.0\"\nprefix = \"/opt/scripts\"\nlicence = \"MIT\"\n"+
		"version_command = \"sh /opt/scripts/bin/script\"\nsource = { git = %q, commit = %q }\n", address, commit))), repository
}

// A tag that upstream moved: the pinned commit is fetched as long as it is
// there, and what was fetched stays known.
func TestMovedTag(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	seen, repository := repositoryProject(t, s)
	kit.Built(t, seen).OK(t)
	kit.WriteFile(t, filepath.Join(repository, "bin/script"), "#!/bin/sh\necho script 2.0, mended\n")
	kit.Must(upstream.MoveTag(repository, "v2.0"))(t)
	kit.Built(t, seen).OK(t)

	s = kit.Site(t)
	unseen, repository := repositoryProject(t, s)
	kit.WriteFile(t, filepath.Join(repository, "bin/script"), "#!/bin/sh\necho script 2.0, mended\n")
	kit.Must(upstream.MoveTag(repository, "v2.0"))(t)
	kit.Built(t, unseen).Failed(t, 1, "components.toml:14:1: scripts: fetch http://127.0.0.1", scriptsPath, "the repository has no such commit", "\nhint: check the commit: a tag may have been moved")
}

func TestRepositoryComesAgain(t *testing.T) {
	kit.SharedEngine(t)
	s := kit.Site(t)
	dir, _ := repositoryProject(t, s)
	s.Fail(scriptsPath, upstream.Status(500), upstream.Status(500))
	if r := kit.Built(t, dir).OK(t); !strings.Contains(r.Stderr, "trying again") {
		t.Errorf("no notice of another try: %s", r.Stderr)
	}
}

// faultyHub answers requests for a part of an image with a fault.
type faultyHub struct {
	http.Handler
	part string       // as part has it
	left atomic.Int64 // how often
	fail upstream.Fault
}

func (h *faultyHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Range") // a registry need not know it, and this one reads few forms of it
	if r.Method == http.MethodPut || r.Method == http.MethodPost || h.left.Load() <= 0 {
		h.Handler.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	h.Handler.ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	if part(r, rec) == h.part && h.left.Add(-1) >= 0 {
		h.fail(w, rec.Body.Bytes())
		return
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()) // the client may have gone
}

// part is what of an image was asked for: "manifest", "config" or "layer".
func part(r *http.Request, answer *httptest.ResponseRecorder) string {
	switch {
	case strings.Contains(r.URL.Path, "/manifests/"):
		return "manifest"
	case strings.Contains(r.URL.Path, "/blobs/") && bytes.HasPrefix(answer.Body.Bytes(), []byte("{")):
		return "config"
	case strings.Contains(r.URL.Path, "/blobs/"):
		return "layer"
	}
	return ""
}

// An image that a component is copied from.
func TestImageSourceFails(t *testing.T) {
	if testing.Short() {
		t.Skip("builds on an engine; run without -short")
	}
	kit.SharedEngine(t)
	for name, tt := range map[string]struct {
		part  string
		times int64
		fault upstream.Fault
		says  []string // none: it ends well
	}{
		"manifest 500 twice":    {"manifest", 2, upstream.Status(500), nil},
		"config other bytes":    {"config", 1e6, upstream.Wrong, []string{"unexpected commit digest", "hint: the registry, or a proxy on the way"}},
		"layer 500 twice":       {"layer", 2, upstream.Status(500), nil},
		"layer cut off once":    {"layer", 1, upstream.Cut, nil},
		"layer other bytes":     {"layer", 1e6, upstream.Wrong, []string{"unexpected commit digest", "hint: the registry, or a proxy on the way"}},
		"layer in a loop":       {"layer", 1e6, upstream.Loop, []string{"stopped after", "hint: the registry, or a proxy on the way, redirects in a loop"}},
		"layer that is not had": {"layer", 1e6, upstream.Status(404), []string{"not found", "hint: check the image's name and digest"}},
	} {
		t.Run(name, func(t *testing.T) {
			hub := &faultyHub{Handler: kit.EmptyRegistry(), part: tt.part, fail: tt.fault}
			reference := kit.PushedTo(t, hub, "lab/tool:1", map[string]string{"opt/tool/bin/tool": kit.Own(t, "#!/bin/sh\necho tool 1.0\n")})
			hub.left.Store(tt.times)
			dir := kit.Project(t, kit.Components("tool", fmt.Sprintf("stage = \"archive\"\nversion = \"1.0\"\nprefix = \"/opt/tool\"\nlicence = \"MIT\"\n"+
				"version_command = \"/opt/tool/bin/tool\"\nsource = { image = %q, path = \"/opt/tool\" }\n", reference)))
			r := kit.Built(t, dir)
			if tt.says == nil {
				r.OK(t)
				return
			}
			r.Failed(t, endOf(tt.says), append(tt.says, "components.toml:14:1: tool: fetch 127.0.0.1", "\nhint: ")...)
			hub.left.Store(0)
			kit.Built(t, dir).OK(t)
		})
	}
}

// A mirror that has stopped sending is left for the next one.
func TestStalledMirror(t *testing.T) {
	kit.SharedEngine(t)
	stalled, good := kit.Site(t), kit.Site(t)
	archive := kit.Tar(t, map[string]string{"tool-1/bin/tool": kit.Own(t, "#!/bin/sh\necho tool 1.0\n")})
	stalled.Put(toolPath, archive)
	stalled.FailAlways(toolPath, upstream.Stall)
	_, sum := good.Put(toolPath, archive)
	path := filepath.Join(t.TempDir(), "site.toml")
	kit.WriteFile(t, path, fmt.Sprintf("[fetch]\ntimeout = \"3s\"\n\n[[mirrors]]\nfrom = \"https://github.com\"\nto = [%q, %q]\n", addressOf(stalled), addressOf(good)))
	t.Setenv("MEDBUILD_SITE", path)
	dir := kit.Project(t, mirroredToml(`tar = "BASE"`, `, sha256 = "`+sum+`"`, `, commit = "`+strings.Repeat("ab", 20)+`"`))
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--target", "tool"))).OK(t)
	if want := "not fetched within 3s: the server is slow or has stopped sending; trying " + addressOf(good) + toolPath; !strings.Contains(r.Stderr, want) {
		t.Errorf("%q is not said: %s", want, r.Stderr)
	}
}
