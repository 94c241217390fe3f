package assemble

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

//go:embed scripts/accounts.sh
var accountsScript string

// accountPackages bring the commands that the step calls.
func accountPackages(a stage.Accounts) []string {
	if a.None() {
		return nil
	}
	return []string{"passwd"}
}

const accountsAction = "accounts"

// withAccounts is on with the accounts: one layer.
func (t Target) withAccounts(on llb.State) llb.State {
	return llb.Step{
		Owner:     llb.OfTarget,
		Component: t.Name,
		Action:    accountsAction,
		On:        on,
		Script:    llb.Fill(accountsScript, llb.Values{"EPOCH": fmt.Sprint(llb.Epoch)}, nil) + accountCalls(t.Accounts) + "settle\n",
		// shadow's tools write the day of the last change of a password.
		Env: []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", llb.Epoch)},
		At:  here(),
	}.Root()
}

func accountCalls(a stage.Accounts) string {
	var b strings.Builder
	for _, name := range a.Remove {
		fmt.Fprintf(&b, "without %s\n", llb.Word(name))
	}
	for _, one := range slices.SortedFunc(slices.Values(a.Add), func(x, y stage.Account) int { return strings.Compare(x.Name, y.Name) }) {
		one = one.Complete()
		fmt.Fprintf(&b, "with %s %d %d %s\n", llb.Word(one.Name), one.UID, one.GID, llb.Args(one.Home, one.Shell))
	}
	return b.String()
}
