package stage

import (
	"strconv"
	"strings"
)

// Newer compares two versions of the C library. One that is not known is
// neither newer nor older.
func Newer(a, b string) bool {
	major, minor, ok := twoNumbers(a)
	_, _, known := twoNumbers(b)
	return ok && known && !atLeast(b, major, minor)
}

// atLeast compares the start of a dotted version with major.minor.
func atLeast(version string, major, minor int) bool {
	ma, mi, ok := twoNumbers(version)
	return ok && (ma > major || ma == major && mi >= minor)
}

func twoNumbers(version string) (major, minor int, ok bool) {
	head, rest, _ := strings.Cut(version, ".")
	tail, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(head)
	minor, err2 := strconv.Atoi(tail)
	return major, minor, err1 == nil && err2 == nil
}
