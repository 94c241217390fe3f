package stage

import (
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/testkit"
)

func TestDebs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		debs Debs
		want []string
	}{
		{nil, nil},
		{Debs{"any": {"bc"}}, []string{"bc"}},
		{Debs{"debian-13": {"libtiff6"}}, []string{"libtiff6"}},
		{Debs{"any": {"bc"}, "debian-13": {"libtiff6"}, "ubuntu-20.04": {"libtiff5"}}, []string{"bc", "libtiff6"}},
	}
	for _, tt := range tests {
		if got, err := tt.debs.On(release("debian-13"), "the packages"); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%v gives %q, want %q (%v)", tt.debs, got, tt.want, err)
		}
	}
	_, err := Debs{"any": {"bc"}, "debian-12": {"a"}, "ubuntu-20.04": {"b"}}.On(release("debian-13"), "the packages of tool")
	testkit.WantText(t, err, "the packages of tool are listed for debian-12, ubuntu-20.04, not for debian-13", `hint: add "debian-13" = [`)
}

func release(id string) Facts {
	distribution, version, _ := strings.Cut(id, "-")
	return Facts{Distribution: distribution, Release: version}
}
