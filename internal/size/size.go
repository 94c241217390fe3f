// Package size reads and writes numbers of bytes for people.
package size

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// Parse reads a number of bytes: "512", "10GB" (1000³), "1.5GiB" (1024³).
// The B may be left out, and case does not matter.
func Parse(s string) (int64, error) {
	text := strings.ToLower(strings.ReplaceAll(s, " ", ""))
	digits := strings.TrimRight(text, "bikmgtp")
	factor, ok := unit(strings.TrimSuffix(text[len(digits):], "b"))
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !ok || !(n >= 0 && n*factor < math.MaxInt64) {
		return 0, problem.Usagef("%q is not a size", s).Hint("for example 500MB or 10GiB")
	}
	return int64(n * factor), nil
}

// unit is the factor of "", "k", "ki", "m", ….
func unit(s string) (float64, bool) {
	if s == "" {
		return 1, true
	}
	base, letter := 1000.0, s
	if l, ok := strings.CutSuffix(s, "i"); ok {
		base, letter = 1024, l
	}
	power := strings.Index("kmgtp", letter) + 1
	return math.Pow(base, float64(power)), len(letter) == 1 && power > 0
}

// Text is a size for people, in powers of 1000.
func Text(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1000, 0
	for f >= 999.95 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	return fmt.Sprintf("%.1f %cB", f, units[i])
}
