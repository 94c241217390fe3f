package osparc

import (
	"maps"
	"net/url"
	"time"

	"github.com/medbuild/medbuild/internal/problem"
)

// Origin is where an image comes from.
type Origin struct {
	Built   time.Time
	Commit  string // of the checkout that it was built in; "" when it is not known
	Address string // of the repository; "" when it is not known
}

const (
	buildDate = "org.label-schema.build-date"
	dateForm  = "2006-01-02T15:04:05-0700" // as the platform's tool writes it
)

// With is the service's labels and those that tell of the origin. The platform
// takes all three of these or fails: what is not known is empty, as the
// platform's tool has it.
func (s Service) With(o Origin) map[string]string {
	out := maps.Clone(s.Labels)
	maps.Copy(out, map[string]string{
		"org.label-schema.schema-version": "1.0",
		buildDate:                         o.Built.UTC().Format(dateForm),
		"org.label-schema.vcs-ref":        o.Commit,
		"org.label-schema.vcs-url":        withoutLogin(o.Address),
	})
	return out
}

// CheckDate refuses the labels of a service that the platform would give to
// everyone: those built before 19 August 2020, when it gave none to their
// owners alone.
func CheckDate(labels map[string]string) error {
	if built, err := time.Parse(dateForm, labels[buildDate]); err != nil || !built.Before(time.Date(2020, 8, 19, 0, 0, 0, 0, time.UTC)) {
		return nil // a date of the user's, in a form of the user's
	}
	return problem.Refusedf("the service has no build date, or one so early that the platform would give everyone access to it").
		Hint("build in a git checkout with a commit, or set SOURCE_DATE_EPOCH")
}

// withoutLogin takes user and password out of an address. One as ssh takes it
// (git@host:path) has no password.
func withoutLogin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	u.User = nil
	return u.String()
}
