package stagetest

import (
	"strings"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/testkit"
	"github.com/medbuild/medbuild/llb"
	digest "github.com/opencontainers/go-digest"
)

// Trixie is a minimal Debian 13 as mmdebstrap makes it: no Python, no image
// configuration, folders of the root merged into /usr.
func Trixie() stage.Base {
	return stage.Base{Name: "trixie", Reference: "trixie.tar",
		Root: llb.Tar("base-trixie", "trixie.tar", digest.Digest("sha256:"+testkit.SHA256)),
		Facts: stage.Facts{Digest: "sha256:" + testkit.SHA256, Distribution: "debian", Release: "13", Libc: "2.41", Layers: 1,
			Mirror: "http://mirror.example/debian/",
			Links:  map[string]string{"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64", "/sbin": "usr/sbin"}}}
}

// Focal is a Jupyter base on Ubuntu 20.04 with a Python and an image
// configuration of its own.
func Focal() stage.Base {
	const name = "registry.example/jupyter:1@sha256:"
	return stage.Base{Name: "focal", Reference: name + testkit.SHA256, Root: llb.Image(name + testkit.SHA256),
		Facts: stage.Facts{Digest: "sha256:" + testkit.SHA256, Distribution: "ubuntu", Release: "20.04", Libc: "2.31",
			Python: "3.8.10", Layers: 32, Env: []string{"PATH=/opt/conda/bin:/usr/bin:/bin", "NB_USER=jovyan"},
			Links: map[string]string{"/bin": "usr/bin"}}}
}

// Bookworm is a Debian 12 in an OCI layout.
func Bookworm() stage.Base {
	return stage.Base{Name: "bookworm", Reference: "bookworm", Root: llb.OCILayout("base-bookworm", digest.Digest("sha256:"+testkit.SHA256)),
		Facts: stage.Facts{Digest: "sha256:" + testkit.SHA256, Distribution: "debian", Release: "12", Libc: "2.36", Python: "3.11.2", Layers: 1}}
}

// Release is what is known of a base of that release: "debian-13".
func Release(id string) stage.Facts {
	distribution, version, _ := strings.Cut(id, "-")
	return stage.Facts{Distribution: distribution, Release: version}
}

// OnRelease is a base of that release: "debian-13".
func OnRelease(id string) stage.Base {
	return stage.Base{Root: llb.Image("base@sha256:" + testkit.SHA256), Facts: Release(id)}
}
