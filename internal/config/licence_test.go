package config

import (
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

func licensed(licence string) error {
	return loadText(image + "[components.a]\nstage = 'apt'\nversion = '1'\npackages = ['a']\nlicence = '" + licence + "'\n")
}

func TestLicences(t *testing.T) {
	t.Parallel()
	for _, licence := range []string{"MIT", "GPL-3.0-or-later", "GPL-3.0", "GPL-2.0+", "LicenseRef-FSL", "(MIT OR Apache-2.0) AND BSD-3-Clause",
		"GPL-2.0-only WITH Classpath-exception-2.0"} {
		if err := licensed(licence); err != nil {
			t.Errorf("%s: %v", licence, err)
		}
	}
	const at = "a.toml:6:1: licence "
	for licence, want := range map[string]string{
		"MTI":              `"MTI" is not an SPDX expression` + "\nhint: did you mean \"MIT\"?",
		"GPL-3":            `"GPL-3" is not an SPDX expression` + "\nhint: did you mean \"GPL-3.0-only\"?",
		"Apache 2.0":       `"Apache 2.0" is not an SPDX expression: there is no id "Apache"` + "\nhint: did you mean \"Apache-2.0\"?",
		"BSD 3 Clause":     `"BSD 3 Clause" is not an SPDX expression: there is no id "BSD"` + "\nhint: did you mean \"BSD-3-Clause\"?",
		"MIT OR Apache2.0": `"MIT OR Apache2.0" is not an SPDX expression: there is no id "Apache2.0"` + "\nhint: did you mean \"Apache-2.0\"?",
		"Whatever-It-Is":   `"Whatever-It-Is" is not an SPDX expression` + "\nhint: " + licenceHint,
		"MIT AND":          `"MIT AND" is not an SPDX expression`,
	} {
		err := licensed(licence)
		if err == nil || !strings.HasPrefix(problem.Text(err), at+want) {
			t.Errorf("%s: %v, want %s", licence, err, want)
		}
	}
	err := licensed(strings.Repeat("(", 2000))
	if err == nil {
		t.Error("two thousand brackets are a licence")
	}
	if err := licensed("a" + strings.Repeat("(", 2000)); err == nil || !strings.Contains(err.Error(), "longer than 500 bytes") {
		t.Errorf("two thousand brackets: %v", err)
	}
}
