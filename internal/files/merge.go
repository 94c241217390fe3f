package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Merge moves all that is in a folder of root into root itself. What is there
// stays, unless something of the same name comes; folders get the mode, owner and
// time of those that come. Both are on one disk, so nothing is copied, and no link
// is followed.
func Merge(root *os.Root, from string) error {
	return merge(root, from, ".")
}

func merge(root *os.Root, from, to string) error {
	entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(from))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := move(root, filepath.Join(from, e.Name()), filepath.Join(to, e.Name()), e.IsDir()); err != nil {
			return err
		}
	}
	return nil
}

func move(root *os.Root, from, to string, dir bool) error {
	if err := makeWay(root, to, dir); err != nil {
		return err
	}
	if !dir {
		return root.Rename(from, to)
	}
	is, err := root.Lstat(from)
	if err != nil {
		return err
	}
	if err := writable(root, from, to); err != nil {
		return err
	}
	if err := merge(root, from, to); err != nil {
		return err
	}
	return dress(root, to, is)
}

// writable makes the folder to, and lets both be changed until they are dressed.
func writable(root *os.Root, from, to string) error {
	if err := root.Chmod(from, 0o700); err != nil {
		return err
	}
	if err := root.Mkdir(to, 0o700); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return root.Chmod(to, 0o700)
}

// dress gives a folder the owner, mode and time of another.
func dress(root *os.Root, name string, is fs.FileInfo) error {
	if uid, gid, ok := owner(is); ok {
		if err := root.Lchown(name, uid, gid); err != nil {
			return err
		}
	}
	if err := root.Chmod(name, is.Mode()); err != nil {
		return err
	}
	return root.Chtimes(name, is.ModTime(), is.ModTime())
}
