// Package llb holds the words that stages are written in: inputs fetched by
// BuildKit, steps that run on a root file system, layers captured at their
// final prefix, merges of layers, and image configurations.
//
// Everything here is pure: the same arguments give the same definition, byte
// for byte. Nothing reads a file, a clock or the environment.
package llb

import (
	"maps"
	"path"
	"slices"
	"time"

	bk "github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"
)

// State is a BuildKit state: a node of the build graph, and what it yields.
type State = bk.State

// Epoch is the modification time, in seconds since 1970, of every file that a
// layer holds (2000-01-01). A constant, and never SOURCE_DATE_EPOCH, which
// would make every commit of the user's repository rebuild everything.
const Epoch = 946684800

// Scratch is the empty file system.
func Scratch() State { return bk.Scratch() }

// Merge lays layers over each other, the last on top. Where two have the same
// directory, the owner and mode of the later one win.
func Merge(of Operation, layers ...State) State {
	return bk.Merge(layers, of.described())
}

// File is an empty file system with one file, mode 0644, at its root.
func File(name string, content []byte) State {
	return bk.Scratch().File(bk.Mkfile(name, 0o644, content, bk.WithCreatedTime(epoch())),
		helper("write "+name))
}

// Folder is File for several files, by their names. The action says what it does.
func Folder(action string, files map[string][]byte) State {
	var made *bk.FileAction
	for _, f := range slices.Sorted(maps.Keys(files)) {
		if made == nil {
			made = bk.Mkfile(f, 0o644, files[f], bk.WithCreatedTime(epoch()))
			continue
		}
		made = made.Mkfile(f, 0o644, files[f], bk.WithCreatedTime(epoch()))
	}
	return bk.Scratch().File(made, helper(action))
}

// Image is the root file system of an image given by name and digest.
func Image(reference string) State {
	return bk.Image(reference, ofBase(reference))
}

// OCILayout is the root file system of an image in an OCI layout folder that
// the client serves to BuildKit as the content store named store.
func OCILayout(store string, manifest digest.Digest) State {
	return bk.OCILayout(OCIReference(store, manifest), bk.OCIStore("", store),
		ofBase(store))
}

// OCIReference is how BuildKit is asked for an image of the content store named
// store: a reference needs a first part that can stand for a host.
func OCIReference(store string, manifest digest.Digest) string {
	return "layout/" + store + "@" + manifest.String()
}

// Tar is the root file system held in a tar file, which the client serves to
// BuildKit as the local folder named local. The content's digest stands for
// the file in cache keys, so two builds with different files never meet.
func Tar(local, file string, content digest.Digest) State {
	from := bk.Local(local, bk.LocalUniqueID(content.String()), bk.SharedKeyHint(content.String()),
		bk.IncludePatterns([]string{file}), ofBase("load "+file))
	return bk.Scratch().File(bk.Copy(from, "/"+file, "/", &bk.CopyInfo{AttemptUnpack: true}),
		ofBase("unpack "+file))
}

// ParentsAction is what the operation of Parents does.
const ParentsAction = "folders above the components"

// Parents is a target's layer with the folders above the prefixes as root has them: owner
// and mode, nothing of what is in them. Merged last, it undoes what the skeletons
// of the layers below did to those folders. Their time is the constant one: that
// of a folder which packages were installed into is the time of the build. It is
// empty when all prefixes lie in the root folder.
func Parents(target string, root State, prefixes []string) State {
	dirs := Ancestors(prefixes)
	if len(dirs) == 0 {
		return bk.Scratch() // without a pattern everything would be copied
	}
	when := epoch()
	return bk.Scratch().File(bk.Copy(root, "/", "/", &bk.CopyInfo{
		CopyDirContentsOnly: true, IncludePatterns: dirs, ExcludePatterns: contents(dirs), CreatedTime: &when,
	}), Operation{Owner: OfTarget, Component: target, Action: ParentsAction}.described())
}

// Ancestors lists the folders above the prefixes, each once and after the one
// it lies in, without the root and without a slash in front.
func Ancestors(prefixes []string) []string {
	var dirs []string
	for _, p := range prefixes {
		for _, dir := range above(p) {
			if !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// contents is patterns for what is in the folders but not the folders. The last
// pattern that matches a path or a folder above it counts: each folder is let
// in before what it holds is shut out.
func contents(dirs []string) []string {
	var out []string
	for _, d := range dirs {
		out = append(out, "!"+d, d+"/*")
	}
	return out
}

// above lists the folders above p without the root, outermost first:
// "home", "home/jovyan" for /home/jovyan/fsl.
func above(p string) []string {
	dir := path.Dir(path.Clean(p))
	if dir == "/" || dir == "." {
		return nil
	}
	return append(above(dir), dir[1:])
}

func epoch() time.Time { return time.Unix(Epoch, 0).UTC() }
