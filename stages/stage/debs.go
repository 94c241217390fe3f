package stage

import (
	"maps"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// Debs is names of distribution packages by release, such as "debian-13";
// those under "any" are for every release. In components.toml a plain list
// stands for {any = list}.
type Debs map[string][]string

// AnyRelease is the key of packages for every release.
const AnyRelease = "any"

// On is the packages that a user states for a release, or an error that names
// the releases that are stated. what says whose packages they are.
func (p Debs) On(f Facts, what string) ([]string, error) {
	own, ok := p[f.ID()]
	if ok || len(p) == 0 || len(p) == 1 && p[AnyRelease] != nil {
		return slices.Concat(p[AnyRelease], own), nil
	}
	return nil, problem.Refusedf("%s are listed for %s, not for %s", what, strings.Join(p.releases(), ", "), f.ID()).
		Hint(`add %q = ["…"]`, f.ID())
}

// Known is the packages that a tool names itself, those under "any" as Debian 12
// calls them, or an error that names the releases it knows them for. what says
// which packages they are.
func (p Debs) Known(f Facts, what string) ([]string, error) {
	r, known := f.release()
	own, stated := p[f.ID()]
	if known && (stated || p[AnyRelease] != nil) {
		return slices.Concat(r.named(p[AnyRelease]), own), nil
	}
	ids := p.releases()
	if p[AnyRelease] != nil {
		ids = releaseIDs()
	}
	return nil, problem.Refusedf("the %s are not known for %s", what, f.ID()).
		Hint("use a base of one of %s", strings.Join(ids, ", "))
}

// releases are those with packages of their own.
func (p Debs) releases() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p)), func(k string) bool { return k == AnyRelease })
}
