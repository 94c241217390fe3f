package kit

import (
	"errors"
	"os"
	"strings"
	"sync"
)

// ownerEnd ends the name of the file that says whose a folder of TempDir is: the
// run's that has a lock on it. The folder may be a mount point; the file lies
// beside it.
const ownerEnd = ".owner"

// TempDir makes a folder of this run's in the one for temporary files, with a
// short name that begins with the prefix: the paths of sockets are limited. It is
// the caller's to remove; a run that was killed leaves it, and what runs and is
// mounted there, to the next one's Main.
func TempDir(prefix string) (string, error) {
	for {
		owner, err := os.CreateTemp("", prefix+"*"+ownerEnd)
		if err != nil {
			return "", err
		}
		ours, err := hold(owner)
		if err != nil {
			return "", errors.Join(err, owner.Close(), os.Remove(owner.Name()))
		}
		if !ours { // another run has just swept it away
			_ = owner.Close()
			continue
		}
		held.add(owner)
		dir := strings.TrimSuffix(owner.Name(), ownerEnd)
		return dir, os.Mkdir(dir, 0o700)
	}
}

// held is the locks that this run has; they go with the process.
var held locks

type locks struct {
	mu  sync.Mutex
	all []*os.File
}

func (l *locks) add(f *os.File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, f)
}

// release removes the files whose folders are gone, and gives the others up.
func (l *locks) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.all {
		if _, err := os.Lstat(strings.TrimSuffix(f.Name(), ownerEnd)); errors.Is(err, os.ErrNotExist) {
			_ = os.Remove(f.Name())
		}
		_ = f.Close()
	}
	l.all = nil
}
