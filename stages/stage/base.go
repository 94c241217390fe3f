package stage

import (
	"path"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// BaseSettings is a table of bases: where a root file system comes from.
type BaseSettings struct {
	Name  string           `toml:"-"`
	At    problem.Position `toml:"-"`
	Image string           `toml:"image" form:"image" doc:"an image by name and digest: name@sha256:…"`
	OCI   string           `toml:"oci" doc:"an OCI layout folder, relative to this file"`
	Tar   string           `toml:"tar" doc:"a root file system as a tar file, relative to this file"`

	Flatten bool `toml:"flatten" doc:"merge the layers of the base into one: it is then shared with no image that is built on the base itself, and transferred as a whole when the base changes"`
}

// Check reports what is wrong with the settings.
func (b BaseSettings) Check() error {
	if b.stated() != 1 {
		return problem.Refusedf("a base needs exactly one of image, oci and tar")
	}
	return nil
}

// Pinned reports whether the base is always the same: an image is when its
// digest is stated; the content of files is looked at.
func (b BaseSettings) Pinned() bool { return b.Image == "" || strings.Contains(b.Image, "@sha256:") }

// Usable reports what keeps the base from being built on. An image without a
// digest is refused unless that is allowed.
func (b BaseSettings) Usable(allowUnpinned bool) error {
	if b.Pinned() || allowUnpinned {
		return b.Check()
	}
	return unpinned("image "+b.Image, "write "+b.Image+"@sha256:<digest>")
}

// Reference is the base as the manifest and the labels name it: the image, or
// the file's own name, since its path is of no use elsewhere.
func (b BaseSettings) Reference() string {
	if b.Image != "" {
		return b.Image
	}
	return path.Base(b.OCI + b.Tar)
}

func (b BaseSettings) stated() int {
	n := 0
	for _, s := range []string{b.Image, b.OCI, b.Tar} {
		if s != "" {
			n++
		}
	}
	return n
}

// Base is a root file system and what is known of it.
type Base struct {
	Name      string
	Reference string // for the manifest
	Root      llb.State
	Facts
}

// Facts is what is known of a base. It is read once per digest, outside the
// stages.
type Facts struct {
	Digest       string            `json:"digest"`             // of the image or file
	Distribution string            `json:"distribution"`       // "debian", "ubuntu"
	Release      string            `json:"release"`            // "13", "24.04"
	Libc         string            `json:"libc,omitempty"`     // version of the GNU C library
	Python       string            `json:"python,omitempty"`   // version of /usr/bin/python3, "" when there is none
	Mirror       string            `json:"mirror,omitempty"`   // first mirror of its apt, with a slash at the end
	Links        map[string]string `json:"links,omitempty"`    // symlinked folders near the root: /bin to usr/bin
	Layers       int               `json:"layers"`             // how many it brings
	Config       []byte            `json:"config,omitempty"`   // OCI image configuration, JSON
	Env          []string          `json:"env,omitempty"`      // environment of that configuration
	Licences     []string          `json:"licences,omitempty"` // its files that hold a FreeSurfer licence
}

// Free refuses a base that holds somebody's licence of FreeSurfer's: whoever gets
// an image on it gets that too.
func (f Facts) Free() error {
	if len(f.Licences) == 0 {
		return nil
	}
	return problem.Refusedf("%s of the base looks like a FreeSurfer licence, which names the person who registered", strings.Join(f.Licences, ", ")).
		Hint("use a base without it: it would get into every image that is built on this one")
}

// ID is the distribution and its release: "debian-13".
func (f Facts) ID() string { return f.Distribution + "-" + f.Release }

// PythonVersion is the version of /usr/bin/python3 once the distribution's
// python3 package is there: the base's own, or the release's.
func (f Facts) PythonVersion() string {
	if f.Python != "" {
		return f.Python
	}
	r, _ := f.release()
	return r.Python
}

// NewPython reports whether the base's Python is 3.12 or newer, which has
// neither imp nor distutils.
func (f Facts) NewPython() bool { return atLeast(f.PythonVersion(), 3, 12) }

// On refuses a prefix that would replace a symlinked folder of the base: on a
// base whose /bin leads to usr/bin, a layer with /bin leaves no /bin/sh.
func (f Facts) On(prefix string) error {
	for dir := prefix; dir != "/" && dir != "."; dir = path.Dir(dir) {
		if to, ok := f.Links[dir]; ok {
			return problem.Refusedf("prefix %s passes through %s, which is a symbolic link to %s in the base", prefix, dir, to).
				Hint("choose a prefix without a link in it, such as /opt/<name>")
		}
	}
	return nil
}
