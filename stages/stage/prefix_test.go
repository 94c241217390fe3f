package stage

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

func TestApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ a, b, want string }{
		{"/opt/fsl", "/opt/ants", ""}, {"", "/opt/ants", ""}, {"", "", ""}, {"/opt/fsl", "/opt/fsl6", ""},
		{"/opt/fsl", "/opt/fsl", "a and b have the same prefix /opt/fsl\nhint: "},
		{"/opt/fsl/ants", "/opt/fsl", "the prefix /opt/fsl/ants of a is inside /opt/fsl, the prefix of b\nhint: "},
		{"/opt", "/opt/fsl", "the prefix /opt/fsl of b is inside /opt, the prefix of a\nhint: "},
	} {
		err := Apart(Common{Name: "a", Prefix: tt.a}, Common{Name: "b", Prefix: tt.b})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.HasPrefix(problem.Text(err), tt.want)) {
			t.Errorf("%s and %s: %v, want %q", tt.a, tt.b, err, tt.want)
		}
	}
}

// Places says of any paths what comparing each with each says.
func TestPlaces(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var known []string
		var places Places
		for n := range 30 {
			path := strings.Repeat("/"+string(rune('a'+random.IntN(4))), 1+random.IntN(3)) + "/" + string(rune('a'+random.IntN(4)))
			want := slices.IndexFunc(known, func(k string) bool { return Within(k, path) || Within(path, k) })
			if got, found := places.Meets(path); found != (want >= 0) || found && got != want {
				t.Fatalf("%s after %q meets %d, %v; want %d", path, known, got, found, want)
			}
			places.Add(path+strings.Repeat("/", n%2), n)
			known = append(known, path)
		}
	}
}
