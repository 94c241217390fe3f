package stage

import (
	"cmp"
	"path"
	"regexp"

	"github.com/medbuild/medbuild/internal/problem"
)

// Account is a user that a target adds to its base, with a group of its own
// name.
type Account struct {
	Name  string           `toml:"-"`
	At    problem.Position `toml:"-"`
	UID   int              `toml:"uid" doc:"numeric id of the user"`
	GID   int              `toml:"gid" doc:"numeric id of its group; that of the user when left out"`
	Home  string           `toml:"home" form:"path" doc:"home folder, created unless it exists in the base; /home/NAME when left out"`
	Shell string           `toml:"shell" form:"path" doc:"login shell; /bin/bash when left out"`
}

// Accounts is how a target changes the users of its base.
type Accounts struct {
	Add    []Account
	Remove []string // with their home folders, before others are added
}

// Check reports what is wrong with the settings.
func (a Account) Check() error {
	switch {
	case a.UID < 1 || a.GID < 0:
		return problem.Refusedf("uid must be 1 or more, and gid 0 or more").
			Hint("add uid = 1000, or another number that the base does not use")
	case a.Home != "" && !path.IsAbs(a.Home) || a.Shell != "" && !path.IsAbs(a.Shell):
		return problem.Refusedf("home and shell must be absolute paths")
	}
	return nil
}

// Complete is the account with what was left out.
func (a Account) Complete() Account {
	a.GID = cmp.Or(a.GID, a.UID)
	a.Home = cmp.Or(a.Home, "/home/"+a.Name)
	a.Shell = cmp.Or(a.Shell, "/bin/bash")
	return a
}

// None reports whether the base's users stay as they are.
func (a Accounts) None() bool { return len(a.Add)+len(a.Remove) == 0 }

// OwnerForm is the numbers of a user and a group: 1000:100.
var OwnerForm = regexp.MustCompile(`^[0-9]+:[0-9]+$`)
