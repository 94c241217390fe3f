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
	s := sourcesOf(Settings{Mirrors: []fetch.Mirror{
		{From: "https://a.example", To: []string{"http://mirror.example:8080/a"}},
		{From: "docker.io/library", To: []string{"localhost:5000"}},
	}})
	got, err := s.redirect(def)
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
	if again, err := s.redirect(def); err != nil || string(again.Def[len(again.Def)-1]) != string(got.Def[len(got.Def)-1]) {
		t.Error("the graph is another one the second time")
	}
	plain, err := sourcesOf(Settings{}).redirect(def)
	if err != nil || !slices.EqualFunc(plain.Def, def.Def, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("without mirrors the graph changes (%v)", err)
	}
}
