package main

import "context"

// await is what read returns, unless ctx ends before. Reading a pipe, or a file on
// a server that is gone, heeds no signal: it is left behind, and ends with the
// process.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
