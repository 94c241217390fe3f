package assemble

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// LoginPath is the script by which login shells find what the image's
// configuration states: /etc/profile of some distributions begins with a PATH
// of its own, and su and ssh with an empty environment.
const LoginPath = "/etc/profile.d/medbuild.sh"

// What the script does for a folder on PATH, and for a variable.
const (
	loginPath     = "case :$PATH: in *:@DIR@:*) ;; *) PATH=@DIR@:$PATH ;; esac\n"
	loginVariable = "[ -n \"${@KEY@+x}\" ] || @KEY@='@VALUE@'\nexport @KEY@\n"
)

// shellName is what a variable of a shell can be called; the configuration takes
// other names as well.
var shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// login is the script for what c adds to its base; "" when that is nothing.
// What is set already stays as it is.
func login(c llb.Config) string {
	if len(c.Path)+len(c.Env) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintln(&b, "# What the image adds to PATH and to the environment.")
	for _, dir := range slices.Backward(c.Path) {
		b.WriteString(llb.Fill(loginPath, llb.Values{"DIR": dir}, nil))
	}
	fmt.Fprintln(&b, "export PATH")
	for _, pair := range c.Env {
		key, value, _ := strings.Cut(pair, "=")
		if !shellName.MatchString(key) {
			continue
		}
		b.WriteString(llb.Fill(loginVariable, llb.Values{"KEY": key, "VALUE": value}, nil))
	}
	return b.String()
}
