package assemble

import (
	"os/exec"
	"testing"

	"github.com/medbuild/medbuild/llb"
)

// A login shell gets what the image states, in its order, and keeps what it has.
func TestLogin(t *testing.T) {
	t.Parallel()
	script := login(llb.Config{Path: []string{"/opt/a/bin", "/opt/b/bin", "/opt/c/bin"}, Env: []string{"A=it's $HOME", "B=1", "C="}})
	for _, tt := range []struct{ before, want string }{
		{"PATH=/usr/bin:/bin", "/opt/a/bin:/opt/b/bin:/opt/c/bin:/usr/bin:/bin|it's $HOME|1|"},
		{"PATH=/opt/b/bin:/bin B=2", "/opt/a/bin:/opt/c/bin:/opt/b/bin:/bin|it's $HOME|2|"},
	} {
		cmd := exec.Command("/usr/bin/env", "-i", "/bin/sh", "-euc", "export "+tt.before+"\n"+script+script+`printf '%s|%s|%s|%s' "$PATH" "$A" "$B" "$C"`)
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != tt.want {
			t.Errorf("with %s: %q, want %q (%v)", tt.before, out, tt.want, err)
		}
	}
	if login(llb.Config{User: "root"}) != "" {
		t.Error("a script that says nothing")
	}
}
