package files

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Claim is a file or folder that this process alone writes. It grows under a
// random name that is made exclusively and locked, beside its place or inside
// the folder that is there, and takes its place by a rename. So nobody sees half
// of it, two processes never mix, no planted link is written through, and what a
// killed process leaves is known by its free lock: the next claim of the same
// place removes it.
type Claim struct {
	dest   string   // the place, as it was given
	name   string   // of the place in parent
	parent *os.Root // the folder that the place is in
	inside *os.Root // the folder at the place that files are added to; nil when there is none
	tmp    string   // the random name, in inside or parent
	file   *os.File // of a claimed file
	locks  []*os.File
	made   []string // folders that were made for the place, from the top
}

// ClaimFile claims the place of a file. While another process writes it the
// claim waits, and says so once through waits, which may be nil.
func ClaimFile(ctx context.Context, dest string, waits func()) (*Claim, error) {
	return claim(ctx, dest, waits, (*Claim).beginFile)
}

// ClaimFolder is ClaimFile for a folder. One that is there stays, and files are
// added to it; a link to one is refused.
func ClaimFolder(ctx context.Context, dest string, waits func()) (*Claim, error) {
	return claim(ctx, dest, waits, (*Claim).beginFolder)
}

// pause is how long a claim waits before it looks again.
const pause = 50 * time.Millisecond

func claim(ctx context.Context, dest string, waits func(), begin func(*Claim) error) (*Claim, error) {
	abs, err := filepath.Abs(dest)
	if err != nil {
		return nil, err
	}
	c := &Claim{dest: dest, name: filepath.Base(abs)}
	if err := c.openParent(filepath.Dir(abs)); err != nil {
		return nil, errors.Join(err, c.Abandon())
	}
	for {
		err := c.try(begin)
		if !errors.Is(err, errLocked) {
			if err != nil {
				err = errors.Join(fmt.Errorf("write %s: %w", dest, err), c.Abandon())
			}
			return c, err
		}
		if waits != nil {
			waits()
			waits = nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), c.Abandon())
		case <-time.After(pause/2 + mrand.N(pause)): // two that saw each other come back at different times
		}
	}
}

// openParent opens the folder of the place, which is made with those above it.
func (c *Claim) openParent(dir string) error {
	for p := dir; ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) || p == filepath.Dir(p) {
			break
		}
		c.made = append([]string{p}, c.made...)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var err error
	c.parent, err = os.OpenRoot(dir)
	return err
}

// try begins unless somebody else is at the place: then errLocked. Each makes and
// locks its own name before it looks for others, so that of two at once at least
// one sees the other. A gate that all go through would have to be the lock of the
// folder, which may be a place itself.
func (c *Claim) try(begin func(*Claim) error) error {
	err := begin(c)
	if err == nil {
		err = c.sweep(c.parent, c.prefix())
	}
	if errors.Is(err, errLocked) {
		return errors.Join(err, c.withdraw())
	}
	return err
}

// withdraw takes back what begin did.
func (c *Claim) withdraw() error {
	var errs []error
	if c.file != nil {
		_ = c.file.Close() // closed before when it was committed
	}
	if c.tmp != "" {
		errs = append(errs, removeTree(c.dir(), c.tmp))
	}
	for _, f := range c.locks {
		errs = append(errs, f.Close())
	}
	if c.inside != nil {
		errs = append(errs, c.inside.Close())
	}
	c.file, c.tmp, c.locks, c.inside = nil, "", nil, nil
	return errors.Join(errs...)
}

// prefix begins the random names of this place. Names have at most 255 bytes.
func (c *Claim) prefix() string {
	return "." + c.name[:min(len(c.name), 200)] + mark
}

// mark tells random names from others.
const mark = ".medbuild-"

// sweep removes what dead processes left under random names; errLocked when one
// of them lives.
func (c *Claim) sweep(dir *os.Root, prefix string) error {
	all, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return nil // a folder that cannot be read: names are random, nothing is in the way
	}
	for _, e := range all {
		random, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || e.Name() == c.tmp || len(random) != len(rand.Text()) || !e.IsDir() && !e.Type().IsRegular() {
			continue
		}
		if err := removeDead(dir, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// removeDead removes a file or folder that nobody has locked.
func removeDead(dir *os.Root, name string) error {
	f, err := dir.OpenFile(name, openLeaf, 0)
	if err != nil {
		return nil //nolint:nilerr // gone, or somebody else's
	}
	defer f.Close()
	switch err := tryLock(f); {
	case errors.Is(err, errLocked):
		return err
	case err == nil:
		return removeTree(dir, name)
	}
	return nil
}

// beginFile makes the file, unless the one at the place is being written.
func (c *Claim) beginFile() error {
	if info, err := c.parent.Lstat(c.name); err == nil && info.Mode().IsRegular() {
		if err := probe(c.parent, c.name); err != nil {
			return err
		}
	}
	name := c.prefix() + rand.Text()
	f, err := c.parent.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	if err != nil {
		return err
	}
	c.tmp, c.file = name, f
	return c.hold(c.parent, name)
}

// probe is errLocked when somebody has the file: a run that gave it its name and
// has not ended yet.
func probe(dir *os.Root, name string) error {
	f, err := dir.OpenFile(name, openLeaf, 0)
	if err != nil {
		return nil //nolint:nilerr // nobody who could be waited for
	}
	defer f.Close()
	if err := tryLock(f); errors.Is(err, errLocked) {
		return err
	}
	return nil
}

// hold locks what is at a name until the claim is released; errLocked also when
// somebody who took it for a dead process's has removed it.
func (c *Claim) hold(dir *os.Root, name string) error {
	f, err := dir.OpenFile(name, openLeaf, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return errLocked
	}
	if err != nil {
		return err
	}
	c.locks = append(c.locks, f) // without a lock where the file system has none
	if err := tryLock(f); errors.Is(err, errLocked) || !still(dir, name, f) {
		return errLocked
	}
	return nil
}

// still reports whether an open file is what is at the name.
func still(dir *os.Root, name string, f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := dir.Lstat(name)
	return err == nil && os.SameFile(mine, there)
}

// beginFolder makes the folder beside its place, or in the one that is there.
func (c *Claim) beginFolder() error {
	info, err := c.parent.Lstat(c.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.beginBeside()
	case err != nil:
		return err
	case !info.IsDir():
		return errors.New("it is no folder")
	}
	return c.beginInside(info)
}

func (c *Claim) beginBeside() error {
	name := c.prefix() + rand.Text()
	if err := c.parent.Mkdir(name, 0o755); err != nil {
		return err
	}
	c.tmp = name
	return c.hold(c.parent, name)
}

func (c *Claim) beginInside(seen fs.FileInfo) error {
	dir, err := c.parent.OpenRoot(c.name)
	if err != nil {
		return err
	}
	c.inside = dir
	info, err := dir.Stat(".")
	if err != nil {
		return err
	}
	if !os.SameFile(seen, info) {
		return errors.New("it was replaced by a link")
	}
	if err := c.hold(dir, "."); err != nil {
		return err
	}
	if err := c.sweep(dir, mark); err != nil {
		return err
	}
	c.tmp = mark + rand.Text()
	return dir.Mkdir(c.tmp, 0o755)
}

// File is the file to write. It is closed by Commit or Abandon.
func (c *Claim) File() *os.File { return c.file }

// Inside is the folder at the place that files are added to; nil when the
// claimed folder is to take the place.
func (c *Claim) Inside() *os.Root { return c.inside }

// Path is where the file or folder grows.
func (c *Claim) Path() string { return filepath.Join(c.dir().Name(), c.tmp) }

// Name is that of the file or folder that grows, in its folder.
func (c *Claim) Name() string { return c.tmp }

// Folder opens the folder that grows.
func (c *Claim) Folder() (*os.Root, error) { return c.dir().OpenRoot(c.tmp) }

func (c *Claim) dir() *os.Root {
	if c.inside != nil {
		return c.inside
	}
	return c.parent
}

// Commit gives the file or folder its place. Of a folder that files are added
// to it takes the random one away, whose files must have been moved. The place
// stays claimed until Release.
func (c *Claim) Commit() error {
	if c.file != nil {
		if err := c.file.Close(); err != nil {
			return fmt.Errorf("write %s: %w", c.dest, err)
		}
	}
	if c.inside != nil {
		tmp := c.tmp
		c.tmp = ""
		return removeTree(c.inside, tmp)
	}
	if err := c.parent.Rename(c.tmp, c.name); err != nil {
		return fmt.Errorf("write %s: %w", c.dest, errors.Unwrap(err))
	}
	c.tmp, c.made = "", nil
	return nil
}

// Abandon takes away what was written and releases the place.
func (c *Claim) Abandon() error {
	err := c.withdraw()
	for i := len(c.made) - 1; i >= 0; i-- {
		_ = os.Remove(c.made[i]) // one with something in it stays
	}
	return errors.Join(err, c.Release())
}

// Release lets others have the place.
func (c *Claim) Release() error {
	c.tmp = ""
	err := c.withdraw()
	if c.parent != nil {
		err = errors.Join(err, c.parent.Close())
		c.parent = nil
	}
	return err
}

// removeTree removes a file or a folder with all that is in it, also folders
// that their owner may not write.
func removeTree(dir *os.Root, name string) error {
	err := dir.RemoveAll(name)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = fs.WalkDir(dir.FS(), filepath.ToSlash(name), func(p string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = dir.Chmod(filepath.FromSlash(p), 0o700) // what cannot be opened up is not removed: that is said below
		}
		return nil
	})
	return dir.RemoveAll(name)
}
