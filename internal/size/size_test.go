package size

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"0": 0, "512": 512, "512B": 512, "10k": 10_000, "10kB": 10_000, "10GB": 10_000_000_000,
		"1.5GiB": 3 << 29, "1 MiB": 1 << 20, "2t": 2_000_000_000_000, "1mib": 1 << 20,
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "GB", "-1", "1x", "1bb", "1kk", "10 apples", "1i", "NaN", "inf", "9999999P"} {
		if got, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %d, want an error", in, got)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 30_600_000_000: "30.6 GB", 1 << 62: "4.6 EB"} {
		if got := Text(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
