package llb

import (
	"os/exec"
	"testing"
)

// evil is words that a shell would take apart.
var evil = []string{"a b", "it's", `"$HOME" \ $(x)`, "''", "a\nb", "~", "*", "a;b", "#"}

func TestFillQuotes(t *testing.T) {
	t.Parallel()
	const script = `printf '%s|' @VALUE@ '@VALUE@' "@VALUE@" x@VALUE@y`
	for _, word := range append(evil, "/opt/tool-1.0+x@y:z=1,%") {
		out, err := exec.Command("/bin/sh", "-c", Fill(script, Values{"VALUE": word}, nil)).Output()
		if want := word + "|" + word + "|" + word + "|x" + word + "y|"; err != nil || string(out) != want {
			t.Errorf("%q became %q (%v)", word, out, err)
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	const script = "# shellcheck shell=sh\n# Does @A@.\n\t# shellcheck disable=SC1 # why\n@B@\ndo '@A@' \"@A@\" @B@ -d @@A@\n@A@\n"
	for _, tt := range []struct{ a, b, want string }{
		{"/x", "echo *\n", "# Does /x.\necho *\ndo '/x' \"/x\" echo *\n -d @/x\n/x\n"},
		{"", "", "# Does .\ndo '' \"\"  -d @\n\n"},
		{"@B@", "@A@", "# Does @B@.\n@A@do '@B@' \"@B@\" @A@ -d @@B@\n@B@\n"},
	} {
		if got := Fill(script, Values{"A": tt.a}, Code{"B": tt.b}); got != tt.want {
			t.Errorf("%q and %q give\n%q, want\n%q", tt.a, tt.b, got, tt.want)
		}
	}
	if got := Script("exit\n", nil, nil); got != "exit" {
		t.Errorf("a step's script is %q", got)
	}
}

// TestFillIsComplete: a mistake in a script or in what fills it cannot go unseen.
func TestFillIsComplete(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		script string
		values Values
		code   Code
		want   string
	}{
		{"echo @NAME@", nil, nil, "NAME"},
		{"echo @NAME@", Values{"NAMES": "x"}, nil, "NAMES NAME"},
		{"echo", Values{"NAME": "x"}, nil, "NAME"},
		{"echo", nil, Code{"NAME": "x"}, "NAME"},
		{"echo '@NAME@'", nil, Code{"NAME": "x"}, "NAME NAME"},
	} {
		script := Fill(tt.script, tt.values, tt.code)
		out, err := exec.Command("/bin/sh", "-c", script).CombinedOutput()
		if err == nil || !Incomplete(script) || string(out) != incompleteText+tt.want+"\n" {
			t.Errorf("%q with %v and %v: %q (%v)", tt.script, tt.values, tt.code, out, err)
		}
	}
	if Incomplete(Fill("echo @NAME@", Values{"NAME": "x"}, nil)) {
		t.Error("a complete script is taken for an incomplete one")
	}
}
