// Package llb holds the words that stages are written in: inputs fetched by
// BuildKit, steps that run on a root file system, layers captured at their
// final prefix, merges of layers, and image configurations.
//
// Everything here is pure: the same arguments give the same definition, byte
// for byte. Nothing reads a file, a clock or the environment.
package llb

import (
	"path"
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
func Merge(name string, layers ...State) State {
	return bk.Merge(layers, bk.WithCustomName(name))
}

// File is an empty file system with one file, mode 0644, at its root.
func File(name string, content []byte) State {
	return bk.Scratch().File(bk.Mkfile(name, 0o644, content, bk.WithCreatedTime(epoch())),
		bk.WithCustomName("write "+name))
}

// Image is the root file system of an image given by name and digest.
func Image(reference string) State {
	return bk.Image(reference, bk.WithCustomName("[base] "+reference))
}

// OCILayout is the root file system of an image in an OCI layout folder that
// the client serves to BuildKit as the content store named store.
func OCILayout(store string, manifest digest.Digest) State {
	return bk.OCILayout(store+"@"+manifest.String(), bk.OCIStore("", store),
		bk.WithCustomName("[base] "+store))
}

// Tar is the root file system held in a tar file, which the client serves to
// BuildKit as the local folder named local. The content's digest stands for
// the file in cache keys, so two builds with different files never meet.
func Tar(local, file string, content digest.Digest) State {
	from := bk.Local(local, bk.LocalUniqueID(content.String()), bk.SharedKeyHint(content.String()),
		bk.IncludePatterns([]string{file}), bk.WithCustomName("[base] load "+file))
	return bk.Scratch().File(bk.Copy(from, "/"+file, "/", &bk.CopyInfo{AttemptUnpack: true}),
		bk.WithCustomName("[base] unpack "+file))
}

// Parents is a layer with the folders above the prefixes as root has them:
// owner, mode and times, nothing of what is in them. Merged last, it undoes
// what the skeletons of the layers below did to those folders.
func Parents(root State, prefixes []string) State {
	include, exclude := ancestors(prefixes)
	return bk.Scratch().File(bk.Copy(root, "/", "/", &bk.CopyInfo{
		CopyDirContentsOnly: true, IncludePatterns: include, ExcludePatterns: exclude,
	}), bk.WithCustomName("[base] folders above the components"))
}

// ancestors lists the folders above the prefixes, outermost first, and the
// patterns that keep out what they hold.
func ancestors(prefixes []string) (include, exclude []string) {
	seen := map[string]bool{}
	for _, p := range prefixes {
		for _, dir := range above(p) {
			if !seen[dir] {
				seen[dir] = true
				include = append(include, dir)
			}
		}
	}
	for _, dir := range include {
		exclude = append(exclude, dir+"/*")
	}
	return include, append(exclude, negate(include)...)
}

// negate keeps folders that a pattern of a folder above them shuts out.
func negate(dirs []string) []string {
	var out []string
	for _, d := range dirs {
		out = append(out, "!"+d)
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
