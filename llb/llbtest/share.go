package llbtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// part is lines that several golden files have: a paragraph, or some lines of
// one that always stand together. The files use it by its name.
type part struct {
	name  string
	lines []string
}

// minimum is the fewest lines that are a part of their own.
const minimum = 3

// use is the line that stands for a part. Those for paragraphs start at the
// margin, those for lines of a paragraph where the lines do.
const (
	use    = "= "
	indent = "  "
)

func (p part) paragraph() bool { return !strings.HasPrefix(p.lines[0], indent) }

func (p part) use() string {
	if p.paragraph() {
		return use + p.name
	}
	return indent + use + p.name
}

// share is the parts that the texts have in common.
func share(texts map[string]string) []part {
	count, all := map[string]int{}, []string{}
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		for p := range strings.SplitSeq(texts[file], blank) {
			if count[p]++; count[p] == 1 {
				all = append(all, p)
			}
		}
	}
	parts := runs(all)
	for _, p := range all {
		if lines := strings.Split(p, "\n"); count[p] > 1 && len(lines) > 1 {
			parts = append(parts, part{lines: lines})
		}
	}
	return parts
}

// runs is the lines that always stand together in the paragraphs, and do so more
// than once: each line but the last has one follower wherever it stands, which
// has no other before it.
func runs(paragraphs []string) []part {
	n := neighbours{before: map[string]map[string]bool{}, after: map[string]map[string]bool{}, count: map[string]int{}}
	for _, p := range paragraphs {
		n.add(body(p))
	}
	var out []part
	seen := map[string]bool{}
	for _, p := range paragraphs {
		for _, run := range n.split(body(p)) {
			lines := strings.Split(strings.Join(run, "\n"), "\n")
			if n.count[run[0]] > 1 && len(lines) >= minimum && !seen[run[0]] {
				seen[run[0]] = true
				out = append(out, part{lines: lines})
			}
		}
	}
	return out
}

// body is a paragraph's lines below its title. Those of a script that are
// empty, indented or close what they follow stay with the line before them.
func body(paragraph string) []string {
	var out []string
	for _, l := range strings.Split(paragraph, "\n")[1:] {
		if n := len(out); n > 0 && (l == bar || continues(l)) {
			out[n-1] += "\n" + l
		} else {
			out = append(out, l)
		}
	}
	return out
}

func continues(line string) bool {
	code, script := strings.CutPrefix(line, bar+" ")
	return script && (strings.TrimLeft(code, " \t") != code || slices.Contains([]string{"}", "else", "fi", "done", "esac"}, code))
}

// neighbours counts what stands beside what.
type neighbours struct {
	before, after map[string]map[string]bool
	count         map[string]int
}

func (n neighbours) add(lines []string) {
	for i, l := range lines {
		n.count[l]++
		if i > 0 {
			note(n.before, l, lines[i-1])
			note(n.after, lines[i-1], l)
		}
	}
	if len(lines) > 0 {
		note(n.before, lines[0], "")
		note(n.after, lines[len(lines)-1], "")
	}
}

func note(m map[string]map[string]bool, of, other string) {
	if m[of] == nil {
		m[of] = map[string]bool{}
	}
	m[of][other] = true
}

// split cuts lines where two of them do not always stand together.
func (n neighbours) split(lines []string) [][]string {
	var out [][]string
	for i, l := range lines {
		if i > 0 && n.together(lines[i-1], l) {
			out[len(out)-1] = append(out[len(out)-1], l)
		} else {
			out = append(out, []string{l})
		}
	}
	return out
}

// together reports whether a line always follows another, which is of a script
// as the line is, or as little.
func (n neighbours) together(first, second string) bool {
	return len(n.after[first]) == 1 && len(n.before[second]) == 1 && strings.HasPrefix(first, bar) == strings.HasPrefix(second, bar)
}

// named gives the parts their names: those that old parts with the same lines
// had, those of the most similar ones, or their first lines. A name given by
// hand thus stays when its part changes.
func named(parts, old []part) []part {
	old, taken := slices.Clone(old), map[string]bool{}
	for _, least := range []int{100, 50} {
		for i := range parts {
			if k := similar(parts[i], old, least); parts[i].name == "" && k >= 0 {
				parts[i].name, taken[old[k].name] = old[k].name, true
				old = slices.Delete(old, k, k+1)
			}
		}
	}
	for i := range parts {
		if parts[i].name == "" {
			parts[i].name = free(title(parts[i].lines[0]), taken)
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return parts
}

// similar is the old part that has most lines of p, at least so many percent of
// the lines of either; -1 for none.
func similar(p part, old []part, least int) int {
	best, most := -1, 0
	for i, o := range old {
		common := 0
		for _, l := range p.lines {
			if slices.Contains(o.lines, l) {
				common++
			}
		}
		if p.kin(o) && common > most && common*100 >= least*max(len(p.lines), len(o.lines)) {
			best, most = i, common
		}
	}
	return best
}

// kin reports whether two parts may have the same name: a paragraph's is its
// title.
func (p part) kin(o part) bool {
	if p.paragraph() {
		return p.lines[0] == o.lines[0]
	}
	return !o.paragraph()
}

func title(line string) string {
	return strings.TrimSpace(strings.TrimPrefix(line, bar))
}

func free(name string, taken map[string]bool) string {
	out := name
	for n := 2; taken[out]; n++ {
		out = fmt.Sprintf("%s #%d", name, n)
	}
	taken[out] = true
	return out
}
