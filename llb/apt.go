package llb

import (
	_ "embed" // scripts/apt.sh
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
	Slim         bool     // for an image: without static libraries, which some packages of shared ones bring
	Without      []string // files of the packages to leave out, absolute; whoever lists the packages' files sees them as missing
	At           Location
}

// aptScript keeps downloaded archives in a folder that no configuration of the
// base empties, and leaves no list, log or cache in the layer.
//
//go:embed scripts/apt.sh
var aptScript string

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
		Script:    a.slim() + "set -- " + Args(names...) + "\n" + Script(aptScript, nil, nil),
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
	left := slices.Compact(slices.Sorted(slices.Values(a.Without)))
	if a.Slim {
		left = append([]string{"*.a"}, left...)
	}
	if len(left) == 0 {
		return "slim=\n"
	}
	var b strings.Builder
	for _, path := range left {
		b.WriteString(" -o Dpkg::Options::=--path-exclude=" + path)
	}
	return "slim=" + Quote(b.String()) + "\n"
}
