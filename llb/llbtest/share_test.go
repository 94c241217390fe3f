package llbtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// texts is three graphs whose steps start alike, and that have an operation in
// common.
func texts(preamble string) map[string]string {
	source := "[base] load\n  source local://base\n  attr a b"
	step := func(name string) string {
		return "[" + name + "] run\n  run /bin/sh -c\n" + preamble + "  | make " + name + "\n  env A=" + name
	}
	return map[string]string{
		"a.txt": "ends: layer is a" + blank + source + blank + step("a"),
		"b.txt": "ends: layer is b" + blank + source + blank + step("b"),
		"c.txt": "ends: layer is c" + blank + step("c") + blank + step("d"),
	}
}

const preamble = "  | ask() {\n  | \techo\n  | }\n  | set -x\n"

func files(t *testing.T, texts, old map[string]string) map[string]string {
	t.Helper()
	out, err := golden(texts, old)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPartsStandOnce(t *testing.T) {
	got := files(t, texts(preamble), nil)
	all := strings.Join(slices.Collect(maps.Values(got)), "\n")
	for _, once := range []string{"attr a b", "echo", "set -x"} {
		if n := strings.Count(all, once); n != 1 {
			t.Errorf("%q stands %d times in\n%s", once, n, all)
		}
	}
	if want := "ends: layer is a\n\n= [base] load\n\n[a] run\n  run /bin/sh -c\n  = ask() {\n  | make a\n  env A=a"; got["a.txt"] != want {
		t.Errorf("got\n%s\nwant\n%s", got["a.txt"], want)
	}
}

// TestOneEditIsOneDifference: the names of parts stay when their lines change.
func TestOneEditIsOneDifference(t *testing.T) {
	for _, after := range []string{
		strings.ReplaceAll(preamble, "set -x", "set -v"),
		strings.ReplaceAll(preamble, "ask", "question"),
		preamble + "  | another\n",
	} {
		before := files(t, texts(preamble), nil)
		for file, wrong := range differences(files(t, texts(after), before), before) {
			if (wrong != "") != (file == shared) {
				t.Errorf("%s %s", file, wrong)
			}
		}
	}
}

func TestNamesGivenByHandStay(t *testing.T) {
	old := files(t, texts(preamble), nil)
	for file := range old {
		old[file] = strings.ReplaceAll(old[file], "= ask() {", "= the preamble")
	}
	if got := files(t, texts(preamble), old); !maps.Equal(got, old) {
		t.Errorf("got %s", got)
	}
}

func TestDifferences(t *testing.T) {
	got := differences(map[string]string{"same": "a", "other": "b\nc", "new": ""}, map[string]string{"same": "a", "other": "b\nd", "stale": ""})
	want := map[string]string{"same": "", "other": "differs:\n- d\n+ c", "new": "is missing", "stale": "is of no test"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestPartsAreReadWithCare(t *testing.T) {
	for _, bad := range []string{"a part", "== name", "== a\nb\n\n== a\nc", "== a\n  = unknown\n  | b"} {
		if _, err := golden(texts(preamble), map[string]string{shared: bad}); err == nil {
			t.Errorf("%q is taken for parts", bad)
		}
	}
}

// TestTextsThatLookLikeUses: such a text must not become another one.
func TestTextsThatLookLikeUses(t *testing.T) {
	if _, err := golden(map[string]string{"a.txt": "a\n  = b"}, nil); err == nil {
		t.Error("a line of a text is taken for the use of a part")
	}
	if got := line("= b"); got != `"= b"` {
		t.Errorf("a name that looks like a use is written as %s", got)
	}
}
