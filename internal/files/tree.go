package files

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// Unpack brings a folder to the state of a tar archive. was is what the folder
// held when it was packed, nil for nothing: what differs from it is written,
// what is missing is removed. Nothing is removed unless the archive came whole.
func Unpack(dir string, was Listing, archive io.Reader) error {
	t, err := openTree(dir, was)
	if err != nil {
		return err
	}
	defer t.close()
	return t.unpack(archive)
}

// UnpackIn is Unpack for an open folder that holds nothing.
func UnpackIn(root *os.Root, archive io.Reader) error { return newTree(root, nil).unpack(archive) }

func (t *tree) unpack(archive io.Reader) error {
	if err := t.entries(tar.NewReader(archive)); err != nil {
		return err
	}
	// The reader's end is not the archive's: whoever packs says there that it failed.
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return err
	}
	return t.finish()
}

// tree is a folder that is being brought to the state of an archive. All
// changes go through an os.Root: a path or symlink that leads out of the folder
// is refused.
type tree struct {
	root *os.Root
	was  Listing         // what was sent
	seen map[string]bool // what the archive has
	dirs []*tar.Header   // folders whose mode, owner and times are still to be set
	own  bool            // owners can be set
}

func openTree(dir string, was Listing) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return newTree(root, was), nil
}

func newTree(root *os.Root, was Listing) *tree {
	return &tree{root: root, was: was, seen: map[string]bool{}, own: os.Geteuid() == 0}
}

func (t *tree) close() { _ = t.root.Close() }

// put writes one entry, unless it is what was sent.
func (t *tree) put(h *tar.Header, content io.Reader) error {
	name := path.Clean(h.Name)
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("the container's %q lies outside the folder", h.Name)
	}
	t.seen[name] = true
	if t.unchanged(name, h) {
		return nil
	}
	h.Name = filepath.FromSlash(name)
	if err := t.write(h, content); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// unchanged reports whether an entry is what was sent: same kind, mode, owner,
// size and time. Times of folders do not count: they change with their files.
func (t *tree) unchanged(name string, h *tar.Header) bool {
	was := t.was[name]
	if was == nil || fs.FileMode(was.Mode) != h.FileInfo().Mode() || int(was.Uid) != h.Uid || int(was.Gid) != h.Gid {
		return false
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return true
	case tar.TypeSymlink:
		return was.Linkname == h.Linkname
	}
	return was.Size == h.Size && was.ModTime == h.ModTime.UnixNano()
}

func (t *tree) write(h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return t.dir(h)
	case tar.TypeReg:
		return t.replace(h, func(tmp string) error { return t.file(tmp, h, content) })
	case tar.TypeSymlink:
		return t.replace(h, func(tmp string) error { return t.symlink(tmp, h) })
	case tar.TypeLink:
		return t.replace(h, func(tmp string) error { return t.root.Link(path.Clean(strings.TrimPrefix(h.Linkname, "/")), tmp) })
	}
	return nil // pipes and devices stay in the container
}

func (t *tree) dir(h *tar.Header) error {
	if err := makeWay(t.root, h.Name, true); err != nil {
		return err
	}
	if err := t.root.Mkdir(h.Name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	t.dirs = append(t.dirs, h)
	return nil
}

// makeWay removes what is at name when it is a folder and none is to come, or the
// other way round.
func makeWay(root *os.Root, name string, dir bool) error {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || info.IsDir() == dir {
		return err
	}
	return removeTree(root, name)
}

// replace makes an entry under a temporary name beside it and renames it.
func (t *tree) replace(h *tar.Header, create func(tmp string) error) error {
	tmp := filepath.Join(filepath.Dir(h.Name), ".medbuild-"+rand.Text())
	err := create(tmp)
	if err == nil {
		err = makeWay(t.root, h.Name, false)
	}
	if err == nil {
		err = t.root.Rename(tmp, h.Name)
	}
	if err != nil {
		_ = t.root.Remove(tmp)
	}
	return err
}

func (t *tree) file(tmp string, h *tar.Header, content io.Reader) error {
	f, err := t.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return t.attributes(tmp, h)
}

func (t *tree) symlink(tmp string, h *tar.Header) error {
	if err := t.root.Symlink(h.Linkname, tmp); err != nil || !t.own {
		return err
	}
	return t.root.Lchown(tmp, h.Uid, h.Gid)
}

// attributes sets the owner before the mode: a new owner clears set-uid bits.
func (t *tree) attributes(name string, h *tar.Header) error {
	if t.own {
		if err := t.root.Lchown(name, h.Uid, h.Gid); err != nil {
			return err
		}
	}
	if err := t.root.Chmod(name, h.FileInfo().Mode()); err != nil {
		return err
	}
	return t.root.Chtimes(name, time.Time{}, h.ModTime)
}

// finish removes what the archive does not have and sets what folders are to
// be, the deepest first: a folder may end up read-only.
func (t *tree) finish() error {
	if err := t.remove(); err != nil {
		return err
	}
	for _, h := range slices.Backward(t.dirs) {
		if err := t.attributes(h.Name, h); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	return nil
}

// remove takes away what was sent and is gone. What somebody put there or
// changed here meanwhile stays.
func (t *tree) remove() error {
	var gone []string
	for name := range t.was {
		if !t.seen[name] {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	for _, name := range slices.Backward(gone) {
		if !t.untouched(name) {
			continue
		}
		err := t.root.Remove(filepath.FromSlash(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !fs.FileMode(t.was[name].Mode).IsDir() {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}

// untouched reports whether what is at name is still what was sent.
func (t *tree) untouched(name string) bool {
	info, err := t.root.Lstat(filepath.FromSlash(name))
	was := t.was[name]
	if err != nil || info.Mode().Type() != fs.FileMode(was.Mode).Type() {
		return false
	}
	return !info.Mode().IsRegular() || info.Size() == was.Size && info.ModTime().UnixNano() == was.ModTime
}

// entries writes the entries of an archive.
func (t *tree) entries(archive *tar.Reader) error {
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if err := t.put(h, archive); err != nil {
			return err
		}
	}
}

// Listing is what a folder holds, by path relative to it, with slashes.
type Listing map[string]*fstypes.Stat

// List is what a folder holds.
func List(dir fsutil.FS) (Listing, error) {
	out := Listing{}
	err := dir.Walk(context.Background(), "", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if s, ok := info.Sys().(*fstypes.Stat); ok {
			out[filepath.ToSlash(p)] = &fstypes.Stat{Mode: s.Mode, Size: s.Size, ModTime: s.ModTime, Uid: s.Uid, Gid: s.Gid, Linkname: s.Linkname}
		}
		return nil
	})
	return out, err
}
