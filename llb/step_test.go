package llb

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/medbuild/medbuild/llb/llbtest"
	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

func someStep() Step {
	return Step{Component: "tool", Action: "compile", On: Image("base@sha256:" + digits), Script: "make"}
}

func TestLayerIsTheDifferenceToTheSkeleton(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{Name: "layer", State: someStep().Layer("/opt/tool")})
	end := g.Find(g.Ends["layer"])
	if end == nil || end.GetDiff() == nil {
		t.Fatalf("ends at %q, want a diff", g.Ends["layer"])
	}
	if want := []string{"prefix /opt/tool (2)", "[tool] compile:/opt/tool"}; !slices.Equal(end.From, want) {
		t.Errorf("the difference is of %q, want %q", end.From, want)
	}
	step := g.Find("[tool] compile")
	i := slices.IndexFunc(step.GetExec().Mounts, func(m *pb.Mount) bool { return m.Dest == "/opt/tool" })
	m := step.GetExec().Mounts[i]
	if step.From[m.Input] != "prefix /opt/tool (2)" || m.Selector != "/opt/tool" {
		t.Errorf("the prefix is %s of %s, want itself in the skeleton", m.Selector, step.From[m.Input])
	}
}

func TestSkeletonHasOneConstantTime(t *testing.T) {
	t.Parallel()
	g := llbtest.Read(t, llbtest.End{Name: "layer", State: someStep().Layer("/opt/tool")})
	last := g.Find("prefix /opt/tool (2)").GetFile().Actions
	if got, want := last[len(last)-1].GetCopy().Timestamp, int64(Epoch)*1e9; got != want {
		t.Errorf("time is %d ns, want %d", got, want)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		step    func(*Step)
		mode    pb.NetMode
		secrets []string
	}{
		{"closed", func(*Step) {}, pb.NetMode_NONE, nil},
		{"jobs", func(s *Step) { s.Jobs = true }, pb.NetMode_NONE, []string{SiteJobs}},
		{"open", func(s *Step) { s.Network = true }, pb.NetMode_UNSET, SiteFiles()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := someStep()
			tt.step(&s)
			op := llbtest.Read(t, llbtest.End{State: s.Root()}).Find("[tool] compile").GetExec()
			if op.Network != tt.mode {
				t.Errorf("network is %v, want %v", op.Network, tt.mode)
			}
			if got := optionalSecrets(op); !slices.Equal(got, tt.secrets) {
				t.Errorf("optional secrets are %q, want %q", got, tt.secrets)
			}
			script := op.Meta.Args[len(op.Meta.Args)-1]
			if read, ok := strings.CutPrefix(script, "[ ! -r "); ok != (tt.secrets != nil) || ok && !strings.HasPrefix(read, tt.secrets[0]+" ] || . "+tt.secrets[0]+"\n") {
				t.Errorf("the script does not begin by reading the first of %q: %s", tt.secrets, script)
			}
		})
	}
}

func optionalSecrets(op *pb.ExecOp) []string {
	var out []string
	for _, m := range op.Mounts {
		if m.SecretOpt.GetOptional() {
			out = append(out, m.Dest)
		}
	}
	return out
}

func TestSecretsAreRequired(t *testing.T) {
	t.Parallel()
	s := someStep()
	s.Secrets = []string{"token"}
	op := llbtest.Read(t, llbtest.End{State: s.Root()}).Find("[tool] compile").GetExec()
	i := slices.IndexFunc(op.Mounts, func(m *pb.Mount) bool { return m.Dest == "/run/medbuild/secrets/token" })
	if i < 0 || op.Mounts[i].SecretOpt.ID != "token" || op.Mounts[i].SecretOpt.Optional {
		t.Errorf("the step's mounts are %v, want a required secret token", op.Mounts)
	}
}

// TestRepeatable runs the end of a script on files with times of their own.
func TestRepeatable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("/bin/sh", "-euc", repeatable(dir)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{".", "a file", "link"} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.ModTime().Unix(); got != Epoch {
			t.Errorf("%s has time %d, want %d", name, got, int64(Epoch))
		}
	}
}

func TestLocationsChangeNoKey(t *testing.T) {
	t.Parallel()
	sources := fstest.MapFS{"step_test.go": {Data: []byte("package llb\n")}}
	here := func() Location { return Sources{Folder: "stages", Files: sources}.Caller() }
	plain, located := someStep(), someStep()
	located.At = here()
	if !strings.HasPrefix(located.At.String(), "stages/step_test.go:") {
		t.Fatalf("location is %q", located.At)
	}
	a, b := llbtest.Marshal(t, plain.Layer("/opt/tool")), llbtest.Marshal(t, located.Layer("/opt/tool"))
	if !slices.EqualFunc(a.Def, b.Def, bytes.Equal) {
		t.Error("a location changes the definition")
	}
	if n, m := locations(a), locations(b); n != 0 || m != 2 {
		t.Errorf("%d operations have a location without one given, %d with, want 0 and 2", n, m)
	}
}

// locations counts the operations that have a place in a source file.
func locations(def *bk.Definition) int {
	n := 0
	for _, l := range def.Source.GetLocations() {
		if len(l.GetLocations()) > 0 {
			n++
		}
	}
	return n
}

func TestCallerOutsideTheSourcesHasNoLocation(t *testing.T) {
	t.Parallel()
	here := func() Location { return Sources{Folder: "stages", Files: fstest.MapFS{}}.Caller() }
	if got := here(); got.String() != "" {
		t.Errorf("location is %q, want none", got)
	}
}

func TestAptOrderAndRepetitionDoNotMatter(t *testing.T) {
	t.Parallel()
	on := Image("base@sha256:" + digits)
	apt := func(packages ...string) Apt {
		return Apt{Component: "tool", Action: "packages", On: on, Distribution: "debian-13", Packages: packages}
	}
	a := llbtest.Marshal(t, apt("b", "a", "b").Root())
	b := llbtest.Marshal(t, apt("a", "b").Root())
	if !slices.EqualFunc(a.Def, b.Def, bytes.Equal) {
		t.Error("order or repetition of packages changes the definition")
	}
	none := llbtest.Read(t, llbtest.End{Name: "root", State: apt().Root()})
	if len(none.Steps()) != 0 {
		t.Error("a step for no packages")
	}
}
