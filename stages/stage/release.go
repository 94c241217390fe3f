package stage

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// perRelease is distribution packages by release, such as "debian-13". The
// same library has another name in each.
type PerRelease map[string][]string

// on is the packages for the base's release, or an error that names the
// releases known.
func (p PerRelease) On(f Facts, what string) ([]string, error) {
	if names, ok := p[f.ID()]; ok {
		return names, nil
	}
	known := strings.Join(slices.Sorted(maps.Keys(p)), ", ")
	return nil, problem.Refusedf("the %s of %s are not known", what, f.ID()).Hint("use a base of one of %s", known)
}

// atLeast compares the start of a dotted version with major.minor.
func atLeast(version string, major, minor int) bool {
	head, rest, _ := strings.Cut(version, ".")
	tail, _, _ := strings.Cut(rest, ".")
	ma, err1 := strconv.Atoi(head)
	mi, err2 := strconv.Atoi(tail)
	if err1 != nil || err2 != nil {
		return false
	}
	return ma > major || ma == major && mi >= minor
}

func parent(p string) string { return path.Dir(p) }

// newer compares two versions of the C library. One that is not known is
// neither newer nor older.
func Newer(a, b string) bool {
	major, minor, ok := twoNumbers(a)
	_, _, known := twoNumbers(b)
	return ok && known && !atLeast(b, major, minor)
}

func twoNumbers(version string) (major, minor int, ok bool) {
	head, rest, _ := strings.Cut(version, ".")
	tail, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(head)
	minor, err2 := strconv.Atoi(tail)
	return major, minor, err1 == nil && err2 == nil
}
