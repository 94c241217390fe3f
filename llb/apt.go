package llb

import (
	"slices"
	"strings"
)

// Apt installs distribution packages on a root file system.
type Apt struct {
	Owner        Owner  // whose packages these are; "" is a component's
	Component    string // the component's name
	Action       string // "runtime packages"
	On           State
	Distribution string // such as "debian-13": caches are kept per distribution
	Packages     []string
	Slim         bool // for an image: without static libraries, which some packages of shared ones bring
	At           Location
}

// aptScript keeps downloaded archives in a folder that no configuration of the
// base empties, and leaves no list, log or cache in the layer.
const aptScript = `
o="-o Dir::Cache::archives=` + Run + `/archives -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
o="$o -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 -o APT::Keep-Downloaded-Packages=true"
mkdir -p ` + Run + `/archives/partial
apt-get $o update -qq
apt-get $o$slim install -qq -y --no-install-recommends "$@"
rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig/aux-cache /var/cache/apt/*.bin`

// Root is the root file system with the packages installed; On itself when
// there are none. Order and repetition of the packages do not matter.
func (a Apt) Root() State {
	names := slices.Compact(slices.Sorted(slices.Values(a.Packages)))
	if len(names) == 0 {
		return a.On
	}
	return a.step(names).Root()
}

func (a Apt) step(names []string) Step {
	cache := "medbuild/" + a.Distribution + "/" + a.Component
	return Step{
		Owner:     a.Owner,
		Component: a.Component,
		Action:    a.Action,
		On:        a.On,
		Script:    a.slim() + "set -- " + strings.Join(names, " ") + aptScript,
		Env:       []string{"DEBIAN_FRONTEND=noninteractive"},
		Caches: []Cache{
			{Target: Run + "/archives", ID: cache + Run + "/archives", Locked: true},
			{Target: "/var/lib/apt/lists", ID: cache + "/var/lib/apt/lists", Locked: true},
		},
		Network: true,
		At:      a.At,
	}
}

func (a Apt) slim() string {
	if !a.Slim {
		return "slim=\n"
	}
	return "slim=' -o Dpkg::Options::=--path-exclude=*.a'\n"
}
