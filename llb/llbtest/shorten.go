package llbtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// shared is the golden file that has the parts of the others.
const shared = "shared.txt"

// heading stands before the name of a part in that file, unless that is the title
// of a paragraph.
const heading = "== "

// golden is the files that say what the texts say, parts that they have in
// common once. The old files give names to the parts.
func golden(texts, old map[string]string) (map[string]string, error) {
	before, err := parse(old[shared])
	if err != nil {
		return nil, err
	}
	parts := named(share(texts), before)
	files := map[string]string{}
	for name, text := range texts {
		files[name] = shorten(text, parts)
		switch long, err := lengthen(files[name], parts); {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		case long != text:
			return nil, fmt.Errorf("%s would not say what its text says:\n%s", name, firstDifference(text, long))
		}
	}
	if len(parts) > 0 {
		files[shared] = format(parts)
	}
	return files, nil
}

// consecutive and apart are two uses of paragraphs, which need no blank line
// between them.
var (
	apart       = regexp.MustCompile(`(?m)^(` + use + `.*)\n\n(` + use + `)`)
	consecutive = regexp.MustCompile(`(?m)^(` + use + `.*)\n(` + use + `)`)
)

// shorten puts uses in the place of parts.
func shorten(text string, parts []part) string {
	whole := map[string]string{}
	for _, p := range parts {
		whole[strings.Join(p.lines, "\n")] = p.use()
	}
	var out []string
	for p := range strings.SplitSeq(text, blank) {
		if whole[p] == "" {
			whole[p] = strings.Join(shortenLines(strings.Split(p, "\n"), parts), "\n")
		}
		out = append(out, whole[p])
	}
	return replaceAll(strings.Join(out, blank), apart, "$1\n$2")
}

// replaceAll replaces until nothing is left to: matches share lines.
func replaceAll(text string, re *regexp.Regexp, with string) string {
	for re.MatchString(text) {
		text = re.ReplaceAllString(text, with)
	}
	return text
}

// shortenLines puts uses in the place of lines of a paragraph. No two parts
// have a line in common there.
func shortenLines(lines []string, parts []part) []string {
	var out []string
	for i := 0; i < len(lines); {
		k := slices.IndexFunc(parts, func(p part) bool {
			return !p.paragraph() && len(lines)-i >= len(p.lines) && slices.Equal(lines[i:i+len(p.lines)], p.lines)
		})
		if k < 0 {
			out = append(out, lines[i])
			i++
			continue
		}
		out = append(out, parts[k].use())
		i += len(parts[k].lines)
	}
	return out
}

// lengthen puts parts in the place of their uses.
func lengthen(text string, parts []part) (string, error) {
	lines := map[string][]string{}
	for _, p := range parts {
		lines[p.use()] = p.lines
	}
	var out []string
	for l := range strings.SplitSeq(replaceAll(text, consecutive, "$1\n\n$2"), "\n") {
		switch long, ok := lines[l]; {
		case ok:
			out = append(out, long...)
		case strings.HasPrefix(strings.TrimPrefix(l, indent), use):
			return "", fmt.Errorf("there is no part %q", l)
		default:
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n"), nil
}

// format is the file of the parts.
func format(parts []part) string {
	var out []string
	for _, p := range parts {
		lines := p.lines
		if p.paragraph() {
			lines = shortenLines(lines, parts)
		}
		if p.name != lines[0] {
			lines = append([]string{heading + p.name}, lines...)
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	return strings.Join(out, blank)
}

// parse reads the file of the parts.
func parse(text string) ([]part, error) {
	parts := map[string]part{}
	for p := range strings.SplitSeq(text, blank) {
		if text == "" {
			return nil, nil
		}
		lines := strings.Split(p, "\n")
		name, headed := strings.CutPrefix(lines[0], heading)
		if headed {
			lines = lines[1:]
		}
		if len(lines) < 2 || strings.HasPrefix(name, indent) || parts[name].name != "" {
			return nil, fmt.Errorf("%s: %q is no part with a name of its own", shared, lines)
		}
		parts[name] = part{name: name, lines: lines}
	}
	return parsed(parts)
}

// parsed puts lines in the place of the uses in paragraphs.
func parsed(parts map[string]part) ([]part, error) {
	all := slices.SortedFunc(maps.Values(parts), func(a, b part) int { return strings.Compare(a.name, b.name) })
	out := slices.Clone(all)
	for i, p := range out {
		text, err := lengthen(strings.Join(p.lines, "\n"), all)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shared, err)
		}
		out[i].lines = strings.Split(text, "\n")
	}
	return out, nil
}
