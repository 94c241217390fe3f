package llb

import (
	"testing"

	"github.com/medbuild/medbuild/llb/llbtest"
	bk "github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"
)

// Everything that is made here says whose it is and what it does; what the name
// would tell is never read back.
func TestOperations(t *testing.T) {
	t.Parallel()
	base := Image("base@sha256:" + digits)
	step := Step{Component: "base", Action: "compile", On: base, Script: "make"}
	component := func(action string) Operation { return Operation{OfComponent, "base", action} }
	for _, tt := range []struct {
		state State
		want  Operation
	}{
		{base, Operation{OfBase, "base", "base@sha256:" + digits}},
		{OCILayout("store", digest.Digest("sha256:"+digits)), Operation{OfBase, "base", "store"}},
		{Tar("local", "base.tar", digest.Digest("sha256:"+digits)), Operation{OfBase, "base", "unpack base.tar"}},
		{step.Root(), component("compile")},
		{step.Layer("/opt/x"), component("layer")},
		{FileLayer("base", []Entry{{Path: "/opt/x"}}, Location{}), component("layer")},
		{Input{Kind: Archive, Address: "https://files.example/a.zip"}.Fetch("base", Location{}), component("fetch a.zip")},
		{Step{Owner: OfManifest, Component: "manifest", Action: "write", On: base}.Root(), Operation{OfManifest, "manifest", "write"}},
		{Apt{Owner: OfTarget, Component: "base", Action: "runtime packages", On: base, Packages: []string{"bc"}}.Root(), Operation{OfTarget, "base", "runtime packages"}},
		{Merge(Operation{OfTarget, "base", "merge"}, base, File("f", nil)), Operation{OfTarget, "base", "merge"}},
		{Parents("base", base, []string{"/opt/x"}), Operation{OfTarget, "base", "folders above the components"}},
		{File("f", nil), Operation{Action: "write f"}},
		{Folder("write [x] lists", map[string][]byte{"f": nil}), Operation{Action: "write [x] lists"}},
	} {
		ops := llbtest.Read(t, llbtest.End{State: tt.state}).Ops
		got := OperationOf(ops[len(ops)-1].Metadata.Description)
		if got != tt.want || ops[len(ops)-1].Metadata.Description[NameKey] != tt.want.Name() {
			t.Errorf("%+v is shown as %q, want %+v", got, ops[len(ops)-1].Name, tt.want)
		}
	}
}

func TestOperationOfOthers(t *testing.T) {
	t.Parallel()
	got := OperationOf(map[string]string{NameKey: "[mrtrix3] compile"})
	if got != (Operation{Action: "[mrtrix3] compile"}) {
		t.Errorf("%+v is read from a name", got)
	}
}

func TestOperationWithin(t *testing.T) {
	t.Parallel()
	compile := Operation{OfComponent, "ants", "compile"}
	for _, tt := range []struct {
		of   Operation
		want bool
	}{
		{Operation{Owner: OfComponent, Component: "ants"}, true},
		{compile, true},
		{Operation{OfComponent, "ants", "unpack"}, false},
		{Operation{Owner: OfTarget, Component: "ants"}, false},
		{Operation{Owner: OfComponent, Component: "an"}, false},
	} {
		if got := compile.Within(tt.of); got != tt.want {
			t.Errorf("within %+v: %v", tt.of, got)
		}
	}
}

// TestDescriptionIsNoKey: what is said of an operation changes no digest.
func TestDescriptionIsNoKey(t *testing.T) {
	t.Parallel()
	digests := func(component string) []digest.Digest {
		var out []digest.Digest
		for _, data := range llbtest.Marshal(t, Step{Component: component, Action: "compile", On: bk.Image("base"), Script: "make"}.Layer("/opt/x")).Def {
			out = append(out, digest.FromBytes(data))
		}
		return out
	}
	one, other := digests("one"), digests("other")
	for i := range one {
		if one[i] != other[i] {
			t.Errorf("operation %d differs", i)
		}
	}
}
