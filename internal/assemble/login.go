package assemble

import (
	"fmt"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// LoginPath is the script by which login shells find what the image's
// configuration states: /etc/profile of some distributions begins with a PATH
// of its own, and su and ssh with an empty environment.
const LoginPath = "/etc/profile.d/medbuild.sh"

// login is the script for what c adds to its base; "" when that is nothing.
// What is set already stays as it is.
func login(c llb.Config) string {
	if len(c.Path)+len(c.Env) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintln(&b, "# What the image adds to PATH and to the environment.")
	for _, dir := range slices.Backward(c.Path) {
		fmt.Fprintf(&b, "case :$PATH: in *:%[1]s:*) ;; *) PATH=%[1]s:$PATH ;; esac\n", dir)
	}
	fmt.Fprintln(&b, "export PATH")
	for _, pair := range c.Env {
		key, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(&b, "[ -n \"${%[1]s+x}\" ] || %[1]s=%[2]s\nexport %[1]s\n", key, stage.Quote(value))
	}
	return b.String()
}
