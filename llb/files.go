package llb

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	bk "github.com/moby/buildkit/client/llb"
)

// Entry is a file, a symbolic link or an empty folder as a layer is to hold it.
type Entry struct {
	Path     string // absolute
	Content  []byte
	Link     string      // where a link leads; "" for a file
	Folder   bool        // a folder and no file
	Mode     fs.FileMode // permission bits; of no meaning for a link
	UID, GID int
}

func (e Entry) made(in *bk.FileAction) *bk.FileAction {
	owner := bk.WithUIDGID(e.UID, e.GID)
	in = in.Mkdir(path.Dir(e.Path), 0o755, bk.WithParents(true))
	switch {
	case e.Link != "":
		return in.Symlink(e.Link, e.Path, owner)
	case e.Folder:
		return in.Mkdir(e.Path, e.Mode, owner)
	}
	return in.Mkfile(e.Path, e.Mode, e.Content, owner)
}

// FileLayer is a layer with the entries and the folders above them, which are
// root's with mode 0755. It is made on no base: every base gets the same layer.
// The contents are part of the definition: a few megabytes at most.
func FileLayer(component string, entries []Entry, at Location) State {
	made := bk.Mkdir("/", 0o755, bk.WithParents(true))
	for _, e := range foldersFirst(entries) {
		made = e.made(made)
	}
	from := bk.Scratch().File(made, Operation{Component: component, Action: "write files"}.described(), at.option())
	when := epoch()
	return bk.Scratch().File(bk.Copy(from, "/", "/", &bk.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &when}),
		Operation{Component: component, Action: "layer"}.described(), at.option())
}

// foldersFirst has each folder made before anything in it brings it about.
func foldersFirst(entries []Entry) []Entry {
	return slices.SortedStableFunc(slices.Values(entries), func(a, b Entry) int {
		switch {
		case a.Folder && b.Folder:
			return strings.Compare(a.Path, b.Path)
		case a.Folder:
			return -1
		case b.Folder:
			return 1
		}
		return 0
	})
}
