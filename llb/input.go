package llb

import (
	"net/url"
	"path"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	bk "github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"
)

// Kind says what sort of thing an input is.
type Kind string

// The kinds of input.
const (
	Archive Kind = "archive" // a file fetched by HTTP, pinned by sha256
	Git     Kind = "git"     // a repository, pinned by commit
	Files   Kind = "image"   // the files of an image, pinned by digest
	Package Kind = "package" // a package that a step's installer takes from its index, never fetched here
	Own     Kind = "file"    // a file of the user's, pinned by its content, never fetched here
)

// Input is something a stage takes from outside: what it is, where it comes
// from, what pins its content and where the user wrote it.
type Input struct {
	Name       string `json:",omitempty"` // of the software or data; a component's own sources have the component's
	Version    string `json:",omitempty"` // "" when it is not known
	Licence    string `json:",omitempty"` // SPDX expression; "" when it is not known
	Kind       Kind
	Address    string           // URL of an archive or repository
	Pin        string           // "sha256:…" or a git commit; "" when nothing pins it
	At         problem.Position // of the source in the user's file
	Submodules bool             `json:",omitempty"` // takes a repository's submodules along
	Size       int64            `json:",omitempty"` // of an archive in bytes; 0 when it is not known
}

// File is the file name of an archive, the repository's name or the image's with
// its tag: the end of the address without query, fragment and digest.
func (i Input) File() string {
	if i.Kind == Files {
		name, _, _ := strings.Cut(i.Address, "@")
		return path.Base(name)
	}
	u, err := url.Parse(i.Address)
	if err != nil || path.Base(u.Path) == "/" {
		return path.Base(i.Address) // such as git@host:group/name.git
	}
	return path.Base(u.EscapedPath())
}

// Pinned reports whether the content is fixed.
func (i Input) Pinned() bool { return i.Pin != "" }

// Fetching is the operation that fetches the input for a component.
func (i Input) Fetching(component string) Operation {
	return Operation{Owner: OfComponent, Component: component, Action: "fetch " + i.File()}
}

// Fetch is the input as BuildKit fetches it: an archive as one file named
// File at the root, a repository as its work tree without .git, an image as its
// root file system. The pin is part of the cache key, the address of an archive
// is not: a mirror hits the same cache.
func (i Input) Fetch(component string, at Location) State {
	name := i.Fetching(component).described()
	switch i.Kind {
	case Git:
		return bk.Git(i.Address, "", append(i.submodules(), bk.GitRef(i.Pin), bk.GitChecksum(i.Pin), name, at.option())...)
	case Files:
		return bk.Image(i.Address, name, at.option())
	}
	return bk.HTTP(i.Address, bk.Checksum(digest.Digest(i.Pin)), bk.Filename(i.File()), name, at.option())
}

// submodules leaves a repository's submodules out unless they are asked for:
// most are tests and documentation, and they lie where no mirror of the
// repository's serves them.
func (i Input) submodules() []bk.GitOption {
	if i.Submodules {
		return nil
	}
	return []bk.GitOption{bk.GitSkipSubmodules()}
}
