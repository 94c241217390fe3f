package solve

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/medbuild/medbuild/internal/fetch"
)

// tries is how often a source is fetched before a run gives up on it.
const tries = 3

// The waits before another try.
const (
	backoff = time.Second     // before the second; each further one waits twice as long
	patient = 5 * time.Second // before the one more where nobody listened: a server that is being started
	longest = 5 * time.Minute // that a server may ask for
)

// again waits before another try of a source. It is false where there is none:
// no place may come good, all tries are used up, or the server asks for more time
// than anybody waits.
func (s *sources) again(ctx context.Context, f *failure, try int) bool {
	most := tries
	if f.Refused {
		most = 2
	}
	if try >= most || !s.Reopen(f.address) {
		return false
	}
	wait := s.wait(ctx, f, try)
	if wait > longest {
		f.Reason += fmt.Sprintf(", and asks to wait %s", wait)
		return false
	}
	s.tell(f, fmt.Sprintf("trying again in %s", wait))
	return pause(ctx, wait) == nil
}

// wait is how long to wait before another try.
func (s *sources) wait(ctx context.Context, f *failure, try int) time.Duration {
	switch {
	case f.Refused:
		return patient
	case f.Busy:
		return max(s.after(ctx, fetch.Question(f.asked, f.git)), backoff<<(try-1))
	}
	return backoff << (try - 1)
}

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(wait):
		return nil
	}
}

// RetryAfter asks a server how long it wants to be left alone: the Retry-After of
// its answer to a request of this machine's, 0 where it says nothing. An engine
// does not pass it on.
func RetryAfter(ctx context.Context, url string) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, http.NoBody)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	return retryAfter(resp.Header.Get("Retry-After"), time.Now())
}

// retryAfter reads a number of seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(said string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(said); err == nil {
		return time.Duration(min(max(n, 0), 1<<20)) * time.Second
	}
	at, err := http.ParseTime(said)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now).Round(time.Second))
}
