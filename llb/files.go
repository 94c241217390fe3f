package llb

import (
	"io/fs"
	"path"

	bk "github.com/moby/buildkit/client/llb"
)

// Entry is a file as a layer is to hold it.
type Entry struct {
	Path     string // absolute
	Content  []byte
	Mode     fs.FileMode // permission bits
	UID, GID int
}

// FileLayer is a layer with the entries and the folders above them, which are
// root's with mode 0755. It is made on no base: every base gets the same layer.
// The contents are part of the definition: a few megabytes at most.
func FileLayer(component string, entries []Entry, at Location) State {
	made := bk.Mkdir("/", 0o755, bk.WithParents(true))
	for _, e := range entries {
		made = made.Mkdir(path.Dir(e.Path), 0o755, bk.WithParents(true)).
			Mkfile(e.Path, e.Mode, e.Content, bk.WithUIDGID(e.UID, e.GID))
	}
	from := bk.Scratch().File(made, bk.WithCustomNamef("[%s] write files", component), at.option())
	when := epoch()
	return bk.Scratch().File(bk.Copy(from, "/", "/", &bk.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &when}),
		bk.WithCustomNamef("[%s] layer", component), at.option())
}
