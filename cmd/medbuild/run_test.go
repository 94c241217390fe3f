package main

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

// TestHowACommandEnded: its own code, or why that is not known.
func TestHowACommandEnded(t *testing.T) {
	full := fmt.Errorf("write standard output of the command: %w", syscall.ENOSPC)
	for name, c := range map[string]struct {
		code int
		err  error
		want error
	}{
		"well":         {0, nil, nil},
		"with a code":  {7, nil, exitStatus(7)},
		"disk is full": {143, full, full},
		"reader gone":  {143, errors.Join(fmt.Errorf("write: %w", syscall.EPIPE)), exitStatus(141)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ended(c.code, c.err); !errors.Is(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
