package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What no record leads to goes with the state, but not while another run uses
// the engine.
func TestDiscard(t *testing.T) {
	s := newStandIn(t)
	const lost = "state/runc-overlayfs/snapshots/snapshots/1/fs/base.tar"
	s.leave(lost)
	one, two := s.find(s.options()), s.find(s.options())
	for _, e := range []struct {
		*Engine
		gone bool
	}{{one, false}, {two, true}} {
		if _, err := e.Discard(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(s.root, lost)); errors.Is(err, os.ErrNotExist) != e.gone {
			t.Errorf("gone %v, stat says %v", e.gone, err)
		}
	}
	if _, err := os.Stat(filepath.Join(s.root, "state/buildkitd.lock")); err != nil {
		t.Error(err)
	}
	s.close(s.find(s.options()))
}
