package build

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/fetch"

	"github.com/medbuild/medbuild/llb"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

func addresses(ways []fetch.Route) []string {
	var out []string
	for _, w := range ways {
		out = append(out, w.Address)
	}
	return out
}

func TestRoutes(t *testing.T) {
	mirrors := []fetch.Mirror{
		{From: "https://github.com/", To: []string{"https://one.example/gh/", "https://github.com"}},
		{From: "docker.io", To: []string{"127.0.0.1:5000/hub"}},
		{From: "https://github.com", To: []string{"http://two.example"}},
		{From: "https://github.com/ANTsX", To: []string{"https://ants.example"}},
		{From: "git@github.com:", To: []string{"https://git.example/"}},
	}
	for address, want := range map[string][]string{
		"https://github.com/MRtrix3/mrtrix3.git": {"https://one.example/gh/MRtrix3/mrtrix3.git", "https://github.com/MRtrix3/mrtrix3.git", "http://two.example/MRtrix3/mrtrix3.git"},
		"https://github.com/ANTsX/a.zip?x=1":     {"https://ants.example/a.zip?x=1"},
		"https://github.community/a.zip":         {"https://github.community/a.zip"},
		"https://github.com":                     {"https://one.example/gh", "https://github.com", "http://two.example"},
		"docker.io/library/debian:13@sha256:00":  {"127.0.0.1:5000/hub/library/debian:13@sha256:00"},
		"docker.ioo/library/debian":              {"docker.ioo/library/debian"},
		"git@github.com:MRtrix3/mrtrix3.git":     {"https://git.example/MRtrix3/mrtrix3.git"},
	} {
		if got := addresses(fetch.Routes(mirrors, address)); !slices.Equal(got, want) {
			t.Errorf("%s goes to %q, want %q", address, got, want)
		}
	}
}

// A mirror that fails is passed over for this source, one that gives no answer
// or fails often is asked last for the others.
func TestTravels(t *testing.T) {
	mirrors := []fetch.Mirror{{From: "https://a.example", To: []string{"https://one.example", "https://two.example"}}}
	var tr travels
	next := func(address string) string {
		way, fresh := tr.current(fetch.Routes(mirrors, address), address)
		if !fresh {
			return ""
		}
		return way.Mirror
	}
	fail := func(address string, e StepError) {
		e.Address, e.Err = address, errors.New("no")
		way, _ := tr.current(fetch.Routes(mirrors, address), address)
		tr.fail(way, &e)
	}
	fail("https://a.example/x", StepError{answered: true})
	if x, y := next("https://a.example/x"), next("https://a.example/y"); x != "https://two.example" || y != "https://one.example" {
		t.Errorf("after a missing file x comes from %q and y from %q", x, y)
	}
	fail("https://a.example/x", StepError{answered: true})
	if x := next("https://a.example/x"); x != "" || tr.forgive("https://a.example/x") {
		t.Errorf("a file that no mirror has is asked for again at %q", x)
	}
	fail("https://a.example/z", StepError{passing: true})
	if y := next("https://a.example/y"); y != "https://two.example" {
		t.Errorf("after no answer from one, y comes from %q", y)
	}
	fail("https://a.example/z", StepError{answered: true})
	if z := next("https://a.example/z"); z != "" || !tr.forgive("https://a.example/z") || next("https://a.example/z") != "https://one.example" {
		t.Errorf("z is asked for at %q; a failure that may pass is not tried again", z)
	}
	if n := tr.count(); n != 4 {
		t.Errorf("%d ways failed, want 4", n)
	}
}

func source(t *testing.T, def *bk.Definition, data []byte) (*pb.Op, string) {
	t.Helper()
	var op pb.Op
	if err := proto.Unmarshal(data, &op); err != nil {
		t.Fatal(err)
	}
	return &op, def.Metadata[digest.FromBytes(data)].Description["llb.customname"]
}

func TestRedirect(t *testing.T) {
	commit := strings.Repeat("c0", 20)
	root := llb.Image("debian@sha256:" + strings.Repeat("00", 32))
	archive := llb.Input{Kind: llb.Archive, Address: "https://a.example/x.zip", Pin: "sha256:" + strings.Repeat("11", 32)}.Fetch("zip", llb.Location{})
	git := llb.Input{Kind: llb.Git, Address: "https://a.example/x.git", Pin: commit}.Fetch("git", llb.Location{})
	other := llb.Input{Kind: llb.Archive, Address: "https://b.example/y.zip", Pin: "sha256:" + strings.Repeat("22", 32)}.Fetch("other", llb.Location{})
	state := root.Run(bk.Shlex("cmd"), bk.AddMount("/z", archive), bk.AddMount("/g", git), bk.AddMount("/o", other), bk.WithCustomName("run")).Root()
	def, err := Definition(t.Context(), state, "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	b := &Builder{Mirrors: []fetch.Mirror{
		{From: "https://a.example", To: []string{"http://mirror.example:8080/a"}},
		{From: "docker.io/library", To: []string{"localhost:5000"}},
	}}
	got, err := b.redirect(def)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"[zip] fetch x.zip":   "http://mirror.example:8080/a/x.zip",
		"[git] fetch x.git":   "git://mirror.example:8080/a/x.git#" + commit,
		"[other] fetch y.zip": "https://b.example/y.zip",
		"[base] debian@sha256:" + strings.Repeat("00", 32): "docker-image://localhost:5000/debian@sha256:" + strings.Repeat("00", 32),
	}
	for _, data := range got.Def {
		op, name := source(t, got, data)
		s := op.GetSource()
		if s == nil {
			continue
		}
		if s.Identifier != want[name] {
			t.Errorf("%s is fetched from %s, want %s", name, s.Identifier, want[name])
		}
		delete(want, name)
		if full := s.Attrs[pb.AttrFullRemoteURL]; name == "[git] fetch x.git" && full != "http://mirror.example:8080/a/x.git" {
			t.Errorf("the repository's address is %s", full)
		}
		e := &StepError{Address: "changed", digest: digest.FromBytes(data)}
		if b.named(e); name == "[zip] fetch x.zip" && e.Address != "https://a.example/x.zip" {
			t.Errorf("the stages wrote %s", e.Address)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	if again, err := b.redirect(def); err != nil || string(again.Def[len(again.Def)-1]) != string(got.Def[len(got.Def)-1]) {
		t.Error("the graph is another one the second time")
	}
	plain, err := (&Builder{}).redirect(def)
	if err != nil || !slices.EqualFunc(plain.Def, def.Def, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("without mirrors the graph changes (%v)", err)
	}
}
