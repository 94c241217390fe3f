package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lock is a flock on a file. The kernel drops it when its holder dies, however
// it dies, so no lock is ever left over.
type lock struct{ file *os.File }

func openLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	return &lock{f}, nil
}

// lockShared joins the holders of a lock. It does not wait: nobody keeps the
// exclusive lock on a file that is locked this way.
func lockShared(path string) (*lock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := l.flock(unix.LOCK_SH | unix.LOCK_NB); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

// lockExclusive waits until nobody else holds the lock, or the context ends.
func lockExclusive(ctx context.Context, path string) (*lock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	for {
		err := l.flock(unix.LOCK_EX | unix.LOCK_NB)
		if err == nil {
			return l, nil
		}
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = pause(ctx, 5*time.Millisecond)
		}
		if err != nil {
			l.release()
			return nil, err
		}
	}
}

// onlyHolder reports whether nobody else shares the lock. The share may be
// lost by asking; callers release it anyway.
func (l *lock) onlyHolder() bool { return l.flock(unix.LOCK_EX|unix.LOCK_NB) == nil }

func (l *lock) flock(how int) error {
	if err := unix.Flock(int(l.file.Fd()), how); err != nil {
		return fmt.Errorf("locking %s: %w", l.file.Name(), err)
	}
	return nil
}

func (l *lock) release() { l.file.Close() }
