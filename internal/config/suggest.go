package config

import (
	"fmt"
	"strings"
)

// hintFor is "did you mean …?" when a name is close to one of those known, and
// a list of them when they are few.
func hintFor(name string, known []string, list string) string {
	if k, ok := closest(name, known); ok {
		return fmt.Sprintf("did you mean %q?", k)
	}
	if len(known) == 0 || len(known) > 12 {
		return ""
	}
	return list + strings.Join(known, ", ")
}

// What was meant is guessed of names of that many bytes, among that many.
const (
	maxGuessed = 64
	maxKnown   = 1000
)

// few is as many names as are guessed among.
func few(names []string) []string { return names[:min(len(names), maxKnown)] }

// closest is the known name with the smallest edit distance, when that is
// small enough for a slip of the fingers, or else one that the name begins.
func closest(name string, known []string) (string, bool) {
	best, found := "", 1+max(1, (len(name)+1)/3)
	if len(name) > maxGuessed {
		return "", false
	}
	for _, k := range few(known) {
		if best == "" && len(name) > 2 && strings.HasPrefix(k, name) {
			best = k
		}
		if len(k) > maxGuessed || abs(len(k)-len(name)) >= found {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < found {
			best, found = k, d
		}
	}
	return best, best != ""
}

// distance is the number of letters to insert, remove, replace or swap with
// their neighbour to turn a into b.
func distance(a, b string) int {
	before, above := []int(nil), counting(len(b)+1)
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = min(above[j]+differ(a[i], b[j]), above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}

func abs(n int) int { return max(n, -n) }

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// counting is 0, 1, 2, … n-1.
func counting(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
