package llb

import (
	"os/exec"
	"strings"
	"testing"
)

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, word := range append(evil, "", "plain") {
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+Quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q became %q (%v)", word, out, err)
		}
	}
}

func TestArgs(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("/bin/sh", "-c", `printf '%s|' `+Args(evil...)).Output()
	if want := strings.Join(evil, "|") + "|"; err != nil || string(out) != want {
		t.Errorf("became %q, want %q (%v)", out, want, err)
	}
	if got := Args("/opt/tool", "a b", "1000:100"); got != "/opt/tool 'a b' 1000:100" {
		t.Errorf("arguments are %s", got)
	}
}
