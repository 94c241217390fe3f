package main

import (
	"os"
	"slices"
	"syscall"
	"testing"
)

// A signal that was ignored at the start, as nohup has it, is not waited for.
func TestHeeded(t *testing.T) {
	t.Parallel()
	got := heeded(func(s os.Signal) bool { return s == syscall.SIGHUP })
	if !slices.Equal(got, []os.Signal{os.Interrupt, syscall.SIGTERM}) {
		t.Errorf("signals are %v", got)
	}
	if all := heeded(func(os.Signal) bool { return false }); !slices.Contains(all, os.Signal(syscall.SIGHUP)) {
		t.Errorf("signals are %v, without that of a closed terminal", all)
	}
}
