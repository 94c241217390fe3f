package stage

import (
	"slices"
	"strings"
)

// Release is a release of a distribution and what it has.
type Release struct {
	ID     string            // "debian-13"
	Libc   string            // version of its GNU C library
	Python string            // version of its python3 package; "" where tools cannot be put on it
	Names  map[string]string // of packages that have another name in Debian 12
}

// releases are those that are known, from the distributions' package lists, the
// one with the newest C library first. Tools can be put on those with a Python;
// of the others it is known what programs that were compiled there need.
var releases = []Release{
	{ID: "debian-13", Libc: "2.41", Python: "3.13", Names: time64},
	{ID: "ubuntu-24.04", Libc: "2.39", Python: "3.12", Names: time64},
	{ID: "debian-12", Libc: "2.36", Python: "3.11"},
	{ID: "ubuntu-22.04", Libc: "2.35", Python: "3.10", Names: map[string]string{"libtiff6": "libtiff5"}},
	{ID: "centos-9", Libc: "2.34"},
	{ID: "almalinux-9", Libc: "2.34"},
	{ID: "rocky-9", Libc: "2.34"},
	{ID: "ubuntu-20.04", Libc: "2.31", Python: "3.8", Names: map[string]string{"libtiff6": "libtiff5"}},
	{ID: "debian-11", Libc: "2.31"},
	{ID: "debian-10", Libc: "2.28"},
	{ID: "centos-8", Libc: "2.28"},
	{ID: "almalinux-8", Libc: "2.28"},
	{ID: "rocky-8", Libc: "2.28"},
	{ID: "ubuntu-18.04", Libc: "2.27"},
	{ID: "centos-7", Libc: "2.17"},
	{ID: "centos-6", Libc: "2.12"},
}

// time64 is the libraries that were renamed where time got 64 bits on every
// architecture.
var time64 = map[string]string{
	"libglib2.0-0":   "libglib2.0-0t64",
	"libpng16-16":    "libpng16-16t64",
	"libqt5core5a":   "libqt5core5t64",
	"libqt5gui5":     "libqt5gui5t64",
	"libqt5network5": "libqt5network5t64",
	"libqt5opengl5":  "libqt5opengl5t64",
	"libqt5widgets5": "libqt5widgets5t64",
}

// Releases are those that tools can be put on, the newest first.
func Releases() []Release {
	return slices.DeleteFunc(slices.Clone(releases), func(r Release) bool { return r.Python == "" })
}

// Facts is what is known of every base of the release.
func (r Release) Facts() Facts {
	distribution, release, _ := strings.Cut(r.ID, "-")
	return Facts{Distribution: distribution, Release: release, Libc: r.Libc}
}

// LibcOf is the C library of the release that archives of programs are named
// after: "22" of "Ubuntu". It is "" for one that is not known.
func LibcOf(distribution, major string) string {
	id := strings.ToLower(distribution) + "-" + major
	i := slices.IndexFunc(releases, func(r Release) bool { return r.ID == id || strings.HasPrefix(r.ID, id+".") })
	if i < 0 {
		return ""
	}
	return releases[i].Libc
}

// release is the one that tools can be put on.
func (f Facts) release() (Release, bool) {
	all := Releases()
	if i := slices.IndexFunc(all, func(r Release) bool { return r.ID == f.ID() }); i >= 0 {
		return all[i], true
	}
	return Release{}, false
}

// named are the packages as the release calls them.
func (r Release) named(packages []string) []string {
	var out []string
	for _, p := range packages {
		if name, ok := r.Names[p]; ok {
			p = name
		}
		out = append(out, p)
	}
	return out
}

// releaseIDs are those of Releases, sorted.
func releaseIDs() []string {
	var ids []string
	for _, r := range Releases() {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}
