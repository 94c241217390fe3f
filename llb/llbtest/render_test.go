package llbtest

import (
	"testing"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

func someState(more ...bk.RunOption) bk.State {
	opts := []bk.RunOption{bk.Args([]string{"/bin/sh", "-c", "one\ntwo"}), bk.WithCustomName("[x] run"), bk.AddEnv("A", "1"),
		bk.AddMount("/in", bk.Scratch().File(bk.Mkfile("f", 0o644, []byte("text"))), bk.Readonly)}
	return bk.Image("base", bk.WithCustomName("[x] base")).Run(append(opts, more...)...).AddMount("/out", bk.Scratch())
}

// TestRenderShowsEveryChange: a golden file that says nothing of a change is
// none.
func TestRenderShowsEveryChange(t *testing.T) {
	before := rendering(t, someState())
	for name, option := range map[string]bk.RunOption{
		"name":            bk.WithCustomName("[x] other"),
		"arguments":       bk.Args([]string{"/bin/true"}),
		"script":          bk.Args([]string{"/bin/sh", "-c", "one\nthree"}),
		"environment":     bk.AddEnv("A", "2"),
		"folder":          bk.Dir("/tmp"),
		"user":            bk.User("nobody"),
		"network":         bk.Network(pb.NetMode_NONE),
		"security":        bk.Security(pb.SecurityMode_INSECURE),
		"host":            bk.AddExtraHost("a", []byte{127, 0, 0, 1}),
		"mount":           bk.AddMount("/more", bk.Image("base")),
		"mount's part":    bk.AddMount("/in", bk.Image("base"), bk.SourcePath("/x")),
		"tmpfs":           bk.AddMount("/tmp", bk.Scratch(), bk.Tmpfs()),
		"cache":           bk.AddMount("/c", bk.Scratch(), bk.AsPersistentCacheDir("id", bk.CacheMountPrivate)),
		"secret":          bk.AddSecret("/s"),
		"optional secret": bk.AddSecret("/s", bk.SecretOptional),
		"secret's owner":  bk.AddSecret("/s", bk.SecretFileOpt(1, 2, 0o400)),
		"ssh":             bk.AddSSHSocket(),
		"description":     bk.WithDescription(map[string]string{"key": "value"}),
		"owner":           bk.WithDescription(map[string]string{"medbuild.owner": "base"}),
		"component":       bk.WithDescription(map[string]string{"medbuild.component": "y", "medbuild.action": "run"}),
		"action":          bk.WithDescription(map[string]string{"medbuild.component": "x", "medbuild.action": "walk"}),
		"cache ignored":   bk.IgnoreCache,
	} {
		if before == rendering(t, someState(option)) {
			t.Errorf("a change of the %s does not show", name)
		}
	}
}

func TestRenderTellsStatesApart(t *testing.T) {
	base := bk.Image("base")
	seen := map[string]string{}
	for name, s := range map[string]bk.State{
		"image":         base,
		"another image": bk.Image("other"),
		"http":          bk.HTTP("https://files.example/a"),
		"pinned":        bk.HTTP("https://files.example/a", bk.Checksum("sha256:5a")),
		"file":          bk.Scratch().File(bk.Mkfile("a", 0o644, []byte("x"))),
		"content":       bk.Scratch().File(bk.Mkfile("a", 0o644, []byte("y"))),
		"mode":          bk.Scratch().File(bk.Mkfile("a", 0o600, []byte("x"))),
		"folder":        bk.Scratch().File(bk.Mkdir("a", 0o755)),
		"two folders":   bk.Scratch().File(bk.Mkdir("a", 0o755).Mkdir("b", 0o755)),
		"removed":       base.File(bk.Rm("a")),
		"copy":          base.File(bk.Copy(bk.Image("other"), "a", "b")),
		"copy of own":   base.File(bk.Copy(base, "a", "b")),
		"merge":         bk.Merge([]bk.State{base, bk.Image("other")}),
		"merge back":    bk.Merge([]bk.State{bk.Image("other"), base}),
		"diff":          bk.Diff(base, bk.Image("other")),
		"diff back":     bk.Diff(bk.Image("other"), base),
		"nothing":       bk.Scratch(),
	} {
		text := rendering(t, s)
		if other, ok := seen[text]; ok {
			t.Errorf("%s and %s look the same", name, other)
		}
		seen[text] = name
	}
}

// TestNamesAreUnique: references in golden files must lead to one operation.
func TestNamesAreUnique(t *testing.T) {
	same := bk.WithCustomName("same")
	g := Read(t, End{"merge", bk.Merge([]bk.State{bk.Image("a", same), bk.Image("b", same)}, same)})
	for _, name := range []string{"same", "same (2)", "same (3)"} {
		if g.Find(name) == nil {
			t.Errorf("no operation is called %q", name)
		}
	}
	if len(g.Ops) != 3 || g.Ends["merge"] != "same (3)" {
		t.Errorf("%d operations, the last is %q", len(g.Ops), g.Ends["merge"])
	}
}

func TestSharedOperationsStandOnce(t *testing.T) {
	s := someState()
	one, two := Read(t, End{"a", s}), Read(t, End{"a", s}, End{"b", bk.Merge([]bk.State{bk.Image("other"), s})})
	if len(two.Ops) != len(one.Ops)+2 || two.Ends["a"] != "[x] run:/out" {
		t.Errorf("%d operations after %d, the first end is %q", len(two.Ops), len(one.Ops), two.Ends["a"])
	}
}

func rendering(t *testing.T, s bk.State) string {
	t.Helper()
	return Read(t, End{"end", s}).String()
}

func TestFactsShowEveryField(t *testing.T) {
	type check struct{ Command string }
	type stage struct {
		Licence struct{ SPDX string }
		Path    []string
		Checks  []check
		Apt     bool
		Size    *int64
		hidden  int
	}
	size := int64(5)
	s := stage{Path: []string{"/a", "/b c"}, Checks: []check{{"run"}, {`say "x"`}, {}}, Apt: true, Size: &size, hidden: 1}
	s.Licence.SPDX = "MIT"
	want := "title\n  Licence {SPDX=MIT}\n  Path [/a \"/b c\"]\n  Checks {Command=run}\n  Checks {Command=`say \"x\"`}\n  Checks {}\n  Apt true\n  Size 5"
	if got := Facts("title", s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Facts("title", stage{Path: []string{}, hidden: s.hidden}); got != "title\n  Path []" {
		t.Errorf("an empty list and nothing give %q", got)
	}
}
