package stage

import "testing"

func TestNewer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"2.41", "2.31", true}, {"2.31", "2.41", false}, {"2.31", "2.31", false}, {"2.9", "2.31", false},
		{"3.0", "2.41", true}, {"", "2.31", false}, {"2.41", "", false}, {"musl", "2.31", false},
	} {
		if got := Newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}
