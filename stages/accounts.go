package stages

import (
	_ "embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// Account is a user that a target adds to its base, with a group of its own
// name.
type Account struct {
	Name  string       `toml:"-"`
	At    llb.Position `toml:"-"`
	UID   int          `toml:"uid" doc:"number of the user"`
	GID   int          `toml:"gid" doc:"number of its group; the user's when left out"`
	Home  string       `toml:"home" form:"path" doc:"home folder, made where the base has none; /home/NAME when left out"`
	Shell string       `toml:"shell" form:"path" doc:"login shell; /bin/bash when left out"`
}

// Accounts is how a target changes the users of its base.
type Accounts struct {
	Add    []Account
	Remove []string // with their home folders, before others are added
}

//go:embed scripts/accounts.sh
var accountsScript string

// Check reports what is wrong with the settings.
func (a Account) Check() error {
	switch {
	case a.UID < 1 || a.GID < 0:
		return errors.New("an account has a uid above 0\nhint: add uid = 1000, or another number that the base has not given away")
	case a.Home != "" && !path.IsAbs(a.Home) || a.Shell != "" && !path.IsAbs(a.Shell):
		return errors.New("home and shell are written from the root on")
	}
	return nil
}

func (a Account) group() int {
	if a.GID == 0 {
		return a.UID
	}
	return a.GID
}

func (a Account) home() string {
	if a.Home == "" {
		return "/home/" + a.Name
	}
	return a.Home
}

func (a Account) shell() string {
	if a.Shell == "" {
		return "/bin/bash"
	}
	return a.Shell
}

// none reports whether the base's users stay as they are.
func (a Accounts) none() bool { return len(a.Add)+len(a.Remove) == 0 }

// packages bring the commands that the step calls.
func (a Accounts) packages() []string {
	if a.none() {
		return nil
	}
	return []string{"passwd"}
}

// root is on with the accounts: one layer.
func (a Accounts) root(target string, on llb.State) llb.State {
	if a.none() {
		return on
	}
	return llb.Step{
		Component: target,
		Action:    "accounts",
		On:        on,
		Script:    strings.NewReplacer("@EPOCH@", fmt.Sprint(llb.Epoch)).Replace(accountsScript) + a.calls() + "settle\n",
		// shadow's tools write the day of the last change of a password.
		Env: []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", llb.Epoch)},
		At:  here(),
	}.Root()
}

func (a Accounts) calls() string {
	var b strings.Builder
	for _, name := range a.Remove {
		fmt.Fprintf(&b, "without %s\n", name)
	}
	for _, one := range slices.SortedFunc(slices.Values(a.Add), func(x, y Account) int { return strings.Compare(x.Name, y.Name) }) {
		fmt.Fprintf(&b, "with %s %d %d %s %s\n", one.Name, one.UID, one.group(), one.home(), one.shell())
	}
	return b.String()
}
