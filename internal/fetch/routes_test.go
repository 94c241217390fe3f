package fetch

import (
	"slices"
	"testing"
)

func addresses(ways []Route) []string {
	var out []string
	for _, w := range ways {
		out = append(out, w.Address)
	}
	return out
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	mirrors := []Mirror{
		{From: "https://github.com/", To: []string{"https://one.example/gh/", "https://github.com"}},
		{From: "docker.io", To: []string{"127.0.0.1:5000/hub"}},
		{From: "https://github.com", To: []string{"http://two.example"}},
		{From: "https://github.com/ANTsX", To: []string{"https://ants.example"}},
		{From: "git@github.com:", To: []string{"https://git.example/"}},
	}
	for address, want := range map[string][]string{
		"https://github.com/MRtrix3/mrtrix3.git": {"https://one.example/gh/MRtrix3/mrtrix3.git", "https://github.com/MRtrix3/mrtrix3.git", "http://two.example/MRtrix3/mrtrix3.git"},
		"https://github.com/ANTsX/a.zip?x=1":     {"https://ants.example/a.zip?x=1"},
		"https://github.community/a.zip":         {"https://github.community/a.zip"},
		"https://github.com":                     {"https://one.example/gh", "https://github.com", "http://two.example"},
		"docker.io/library/debian:13@sha256:00":  {"127.0.0.1:5000/hub/library/debian:13@sha256:00"},
		"docker.ioo/library/debian":              {"docker.ioo/library/debian"},
		"git@github.com:MRtrix3/mrtrix3.git":     {"https://git.example/MRtrix3/mrtrix3.git"},
	} {
		if got := addresses(Routes(mirrors, address)); !slices.Equal(got, want) {
			t.Errorf("%s goes to %q, want %q", address, got, want)
		}
	}
}
