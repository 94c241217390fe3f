package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// discard gives up a share of the daemon, and removes its state where it was the
// last: what no record of the daemon leads to is removed by nothing else. A
// build whose disk was full can leave that. It returns how many bytes the disk
// has more than before.
func (d *daemon) discard(users *lock) (int64, error) {
	before := free(d.root)
	if err := d.leave(users); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	start, err := lockExclusive(ctx, d.path("run/start.lock"))
	if err != nil {
		return 0, nil // somebody is about to use it
	}
	defer start.release()
	if d.running().pid != 0 {
		return 0, nil
	}
	err = d.dropState()
	return max(0, free(d.root)-before), err
}

// dropState empties the folder of the state, but for the lock on it, once nothing
// runs or is mounted there.
func (d *daemon) dropState() error {
	l, err := d.lockState()
	if err != nil {
		return err
	}
	defer l.release()
	if err := d.clear(); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.path("state"))
	for _, e := range entries {
		if e.Name() != stateLock {
			err = errors.Join(err, os.RemoveAll(filepath.Join(d.path("state"), e.Name())))
		}
	}
	return err
}
