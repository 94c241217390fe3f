package lint

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestChangelog(t *testing.T) {
	text, err := os.ReadFile(root + "/CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range changelogFaults(string(text)) {
		t.Error(fault)
	}
}

func TestChangelogFaults(t *testing.T) {
	links := "\n[Unreleased]: x\n[0.2.0]: x\n[0.1.0]: x\n"
	for text, want := range map[string][]string{
		"## [Unreleased]\n## [0.2.0] - 2026-12-01\n### Fixed\n## [0.1.0] - 2026-11-24" + links: nil,
		"## [0.1.0] - 2026-11-24" + links:                                           {"the first section is not [Unreleased]"},
		"## [Unreleased]\n## 0.1.0" + links:                                         {"no version and date: ## 0.1.0"},
		"## [Unreleased]\n## [0.3.0] - 2026-11-24" + links:                          {"no link: [0.3.0]"},
		"## [Unreleased]\n### Extra\n## [0.1.0] - 2026-11-24" + links:               {"no kind of change: ### Extra"},
		"## [Unreleased]\n## [0.1.0] - 2026-11-24\n## [Unreleased]" + links:         {"no version and date: ## [Unreleased]"},
		"## [Unreleased]\n## [0.1.0] - 2026-11-24\n## [0.2.0] - 2026-12-01" + links: {"not newest first"},
	} {
		if got := changelogFaults(text); !slices.Equal(got, want) {
			t.Errorf("%s\ngot %q, want %q", text, got, want)
		}
	}
}

var (
	section = regexp.MustCompile(`(?m)^## .*$`)
	version = regexp.MustCompile(`^## (\[\d+\.\d+\.\d+\]) - (\d{4}-\d\d-\d\d)$`)
	kind    = regexp.MustCompile(`(?m)^### .*$`)
	kinds   = []string{"### Added", "### Changed", "### Deprecated", "### Removed", "### Fixed", "### Security"}
)

// changelogFaults is where a text is not in the form of Keep a Changelog.
func changelogFaults(text string) []string {
	sections := section.FindAllString(text, -1)
	if len(sections) == 0 || sections[0] != "## [Unreleased]" {
		return []string{"the first section is not [Unreleased]"}
	}
	out := versionFaults(text, sections[1:])
	for _, k := range kind.FindAllString(text, -1) {
		if !slices.Contains(kinds, k) {
			out = append(out, "no kind of change: "+k)
		}
	}
	return out
}

func versionFaults(text string, sections []string) []string {
	var out, dates []string
	for _, s := range sections {
		m := version.FindStringSubmatch(s)
		if m == nil {
			out = append(out, "no version and date: "+s)
			continue
		}
		if !strings.Contains(text, "\n"+m[1]+": ") {
			out = append(out, "no link: "+m[1])
		}
		dates = append(dates, m[2])
	}
	if slices.Reverse(dates); !slices.IsSorted(dates) {
		out = append(out, "not newest first")
	}
	return out
}
