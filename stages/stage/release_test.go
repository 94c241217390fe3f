package stage

import (
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

func TestReleases(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, r := range releases {
		if seen[r.ID] || r.Libc == "" || strings.Count(r.ID, "-") != 1 {
			t.Errorf("%+v is there twice, or lacks something", r)
		}
		if i > 0 && Newer(r.Libc, releases[i-1].Libc) {
			t.Errorf("%s stands below %s, which is older", r.ID, releases[i-1].ID)
		}
		seen[r.ID] = true
	}
	for _, r := range Releases() {
		f := r.Facts()
		if f.ID() != r.ID || f.Libc != r.Libc || f.PythonVersion() != r.Python || r.Python == "" {
			t.Errorf("%+v has the facts %+v", r, f)
		}
	}
	if got := (Facts{Distribution: "plan9", Release: "4"}).PythonVersion(); got != "" {
		t.Errorf("an unknown release has Python %q", got)
	}
}

func TestLibcOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[[2]string]string{
		{"Ubuntu", "22"}: "2.35", {"ubuntu", "20"}: "2.31", {"CentOS", "7"}: "2.17", {"debian", "13"}: "2.41",
		{"debian", "1"}: "", {"ubuntu", "2"}: "", {"plan", "9"}: "",
	} {
		if got := LibcOf(name[0], name[1]); got != want {
			t.Errorf("%q has C library %q, want %q", name, got, want)
		}
	}
}

func TestKnownPackages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		debs Debs
		on   string
		want []string
	}{
		{Debs{"any": {"bc", "libpng16-16", "libtiff6"}}, "debian-12", []string{"bc", "libpng16-16", "libtiff6"}},
		{Debs{"any": {"bc", "libpng16-16", "libtiff6"}}, "debian-13", []string{"bc", "libpng16-16t64", "libtiff6"}},
		{Debs{"any": {"bc", "libpng16-16", "libtiff6"}}, "ubuntu-20.04", []string{"bc", "libpng16-16", "libtiff5"}},
		{Debs{"any": {"bc"}, "debian-13": {"libx"}}, "debian-13", []string{"bc", "libx"}},
		{Debs{"any": {"bc"}, "debian-13": {"libx"}}, "debian-12", []string{"bc"}},
		{Debs{"debian-13": {"libx"}}, "debian-13", []string{"libx"}},
	}
	for _, tt := range tests {
		got, err := tt.debs.Known(release(tt.on), "libraries of it")
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%v on %s gives %q, %v, want %q", tt.debs, tt.on, got, err, tt.want)
		}
	}
	_, err := Debs{"debian-13": {"libx"}}.Known(release("debian-12"), "libraries of it")
	testkit.WantText(t, err, "the libraries of it are not known for debian-12\nhint: use a base of one of debian-13")
	_, err = Debs{"any": {"bc"}, "debian-11": {"bc"}}.Known(release("debian-11"), "libraries of it")
	testkit.WantText(t, err, "the libraries of it are not known for debian-11\nhint: use a base of one of debian-12, debian-13, ubuntu-20.04, ubuntu-22.04, ubuntu-24.04")
}
