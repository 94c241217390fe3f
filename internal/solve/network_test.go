package solve

import (
	"slices"
	"testing"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

func TestHostNetwork(t *testing.T) {
	t.Parallel()
	root := bk.Image("base@sha256:0000000000000000000000000000000000000000000000000000000000000000")
	online := root.Run(bk.Shlex("fetch"), bk.WithCustomName("online")).Root()
	state := online.Run(bk.Shlex("compile"), bk.Network(pb.NetMode_NONE), bk.WithCustomName("offline")).Root()
	def, err := Definition(t.Context(), state, "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	got, err := hostNetwork(def)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Def[0]) != string(def.Def[0]) {
		t.Error("the source, which has no network, has changed")
	}
	networks := map[string]pb.NetMode{}
	known := []string{}
	for _, data := range got.Def {
		var op pb.Op
		if err := proto.Unmarshal(data, &op); err != nil {
			t.Fatal(err)
		}
		for _, in := range op.Inputs {
			if !slices.Contains(known, in.Digest) {
				t.Errorf("%v has the input %s, which no operation before it is", &op, in.Digest)
			}
		}
		d := digest.FromBytes(data)
		known = append(known, d.String())
		if exec := op.GetExec(); exec != nil {
			networks[got.Metadata[d].Description["llb.customname"]] = exec.Network
		}
	}
	if len(networks) != 2 || networks["online"] != pb.NetMode_HOST || networks["offline"] != pb.NetMode_NONE {
		t.Errorf("networks are %v", networks)
	}
}
