package solve

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "12")
		if r.URL.Path == "/busy" {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(s.Close)
	for url, want := range map[string]time.Duration{s.URL + "/busy": 12 * time.Second, s.URL + "/well": 0, "": 0, "http://127.0.0.1:1/": 0, "\x00": 0} {
		if got := RetryAfter(t.Context(), url); got != want {
			t.Errorf("%q: %s, want %s", url, got, want)
		}
	}
}

func TestRetryAfterForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for said, want := range map[string]time.Duration{"": 0, "120": 2 * time.Minute, "-3": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0, "999999999999999": 1 << 20 * time.Second} {
		if got := retryAfter(said, now); got != want {
			t.Errorf("%q: %s, want %s", said, got, want)
		}
	}
}
