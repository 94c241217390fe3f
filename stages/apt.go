package stages

import (
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
	"github.com/medbuild/medbuild/stages/stage"
)

// Apt is a component that is packages of the distribution: it has no prefix and
// no layer, since apt's layers cannot be merged.
type Apt struct {
	stage.Common
	Packages stage.Debs `toml:"packages" form:"package" keys:"release" doc:"the packages: a list for every release, or a table of lists by release, such as debian-13, and \"any\". The first one's version is the component's"`
	stage.Generic
}

var _ stage.Checker = (*Apt)(nil)

// Check reports what is wrong with the settings.
func (a *Apt) Check() error {
	switch {
	case len(a.Packages) == 0:
		return problem.Refusedf("the component lists no packages").Hint(`add packages = ["…"]`)
	case a.Prefix != "":
		return problem.Refusedf("the distribution's packages take no prefix").
			Hint("remove the prefix: the distribution decides where its files go")
	}
	return a.Complete(false)
}

// Stage asks for the packages.
func (a *Apt) Stage(g stage.Ground) (stage.Stage, error) {
	names, err := a.Packages.On(g.Run.Facts, "the packages of "+a.Name)
	if err != nil {
		return stage.Stage{}, err
	}
	s, err := a.Describe(a.Common, g.Run.Facts)
	s.Runtime = append(names, s.Runtime...)
	if len(s.Questions) == 0 {
		s.Questions = []stage.Question{a.packaged(names[0])}
	}
	return s, err
}

// packaged asks the package database. The distribution's own suffixes, as in
// 2.5.4+dfsg, are not the version.
func (a *Apt) packaged(name string) stage.Question {
	return stage.Question{Key: a.ManifestKey(a.Name), Section: stage.Software, Want: a.Version,
		Command: `dpkg-query -W -f='${source:Upstream-Version}\n' ` + llb.Word(name), Pattern: `^([^+~]+)`}
}
