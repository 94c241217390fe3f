package solve

import (
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

func operation(t *testing.T, def *bk.Definition, data []byte) (*pb.Op, string) {
	t.Helper()
	var op pb.Op
	if err := proto.Unmarshal(data, &op); err != nil {
		t.Fatal(err)
	}
	return &op, def.Metadata[digest.FromBytes(data)].Description["llb.customname"]
}

// What an engine does not know it is not told, and what it knows it is, unless
// the host is known to refuse it.
func TestCommitAlone(t *testing.T) {
	commit := strings.Repeat("c0", 20)
	const address = "https://a.example/x.git"
	asked := func(s *sources, can abilities, in llb.Input) map[string]string {
		def, err := Definition(t.Context(), in.Fetch("git", llb.Location{}), "linux/amd64")
		if err == nil {
			def, err = s.redirect(def, can)
		}
		if err != nil {
			t.Fatal(err)
		}
		op, _ := operation(t, def, def.Def[0])
		return op.GetSource().Attrs
	}
	repository := llb.Input{Kind: llb.Git, Address: address, Pin: commit}
	all, none := abilities{pb.Caps.CapSet(pb.Caps.All())}, abilities{pb.Caps.CapSet(nil)}
	s := sourcesOf(Settings{})
	if a := asked(s, all, repository); a[pb.AttrGitFetchByCommit] != "true" || a[pb.AttrGitSkipSubmodules] != "true" || a[pb.AttrGitChecksum] != commit {
		t.Errorf("a new engine is asked for %v", a)
	}
	if a := asked(s, none, repository); len(a) != 3 || a[pb.AttrFullRemoteURL] != address { // and the names of two secrets
		t.Errorf("an old engine is asked for %v", a)
	}
	if a := asked(s, all, llb.Input{Kind: llb.Git, Address: address}); a[pb.AttrGitFetchByCommit] != "" {
		t.Errorf("without a commit the engine is asked for %v", a)
	}
	s.Refuse("https://a.example/other.git", true)
	if a := asked(s, all, repository); a[pb.AttrGitFetchByCommit] != "" {
		t.Errorf("a host that refuses is asked for %v", a)
	}
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
	old := abilities{pb.Caps.CapSet(nil)}
	s := sourcesOf(Settings{Mirrors: []fetch.Mirror{
		{From: "https://a.example", To: []string{"http://mirror.example:8080/a"}},
		{From: "docker.io/library", To: []string{"localhost:5000"}},
	}})
	got, err := s.redirect(def, old)
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
		op, name := operation(t, got, data)
		src := op.GetSource()
		if src == nil {
			continue
		}
		if src.Identifier != want[name] {
			t.Errorf("%s is fetched from %s, want %s", name, src.Identifier, want[name])
		}
		delete(want, name)
		if full := src.Attrs[pb.AttrFullRemoteURL]; name == "[git] fetch x.git" && full != "http://mirror.example:8080/a/x.git" {
			t.Errorf("the repository's address is %s", full)
		}
		f := &failure{address: "changed", digest: digest.FromBytes(data)}
		if s.named(f); name == "[zip] fetch x.zip" && f.address != "https://a.example/x.zip" {
			t.Errorf("the stages wrote %s", f.address)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	if again, err := s.redirect(def, old); err != nil || string(again.Def[len(again.Def)-1]) != string(got.Def[len(got.Def)-1]) {
		t.Error("the graph is another one the second time")
	}
	for d := range got.Metadata {
		for ability := range dispensable {
			if got.Metadata[d].Caps[ability] {
				t.Errorf("an engine without %s is asked for it", ability)
			}
		}
	}
	unmirrored := sourcesOf(Settings{})
	unmirrored.Refuse("https://a.example/x.git", true)
	plain, err := unmirrored.redirect(def, abilities{pb.Caps.CapSet(pb.Caps.All())})
	if err != nil || !slices.EqualFunc(plain.Def, def.Def, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("without mirrors the graph changes (%v)", err)
	}
}
