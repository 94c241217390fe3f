package stage

import (
	"cmp"
	"errors"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// Source is where a component comes from: an archive (url or debian, with its
// sha256), a git repository (with its commit) or a folder of an image (with its
// digest).
type Source struct {
	At     problem.Position `toml:"-"`
	URL    string           `toml:"url" doc:"address of an archive"`
	Debian string           `toml:"debian" doc:"path of a file on the mirror that the base's apt uses, such as pool/main/m/mrtrix3/mrtrix3_3.0.4.orig.tar.gz"`
	SHA256 string           `toml:"sha256" doc:"sha256 of the archive, 64 hexadecimal digits"`
	Git    string           `toml:"git" doc:"address of a git repository"`
	Commit string           `toml:"commit" doc:"commit of the git repository, 40 hexadecimal digits"`

	Submodules bool `toml:"submodules" doc:"take the git repository's submodules along, each at the commit that the repository names"`

	Image string `toml:"image" doc:"an image by name and digest, name@sha256:…, for stages that can copy from one"`
	Path  string `toml:"path" doc:"the folder in the image, absolute"`
}

// How pins are written.
const (
	sha256Form = `sha256 = "<64 hexadecimal digits>"`
	commitForm = `commit = "<40 hexadecimal digits>"`
	imageForm  = `image = "<name>@sha256:<64 hexadecimal digits>"`
)

// Input is the source as an input of a step on g.Build, whose mirror serves what
// is stated as a path of the distribution's. One without a pin is refused unless
// g allows it.
func (s Source) Input(g Ground) (llb.Input, error) {
	if err := s.usable(g); err != nil {
		return llb.Input{}, err
	}
	if s.Git != "" {
		return llb.Input{Kind: llb.Git, Address: s.Git, Pin: s.Commit, At: s.At, Submodules: s.Submodules}, nil
	}
	in := llb.Input{Kind: llb.Archive, Address: s.URL, At: s.At}
	if s.Debian != "" {
		in.Address = g.Build.Mirror + s.Debian
	}
	if s.SHA256 != "" {
		in.Pin = "sha256:" + s.SHA256
	}
	return in, nil
}

// Tree is Input for stages that can also copy from an image: then the input is
// the image, and the folder is s.Path in it.
func (s Source) Tree(g Ground) (llb.Input, error) {
	if s.Image == "" {
		return s.Input(g)
	}
	name, digest, pinned := strings.Cut(s.Image, "@")
	if !pinned && !g.AllowUnpinned {
		return llb.Input{}, unpinned("source "+name, `add the digest: image = "`+name+`@sha256:<64 hexadecimal digits>"`)
	}
	return llb.Input{Kind: llb.Files, Address: s.Image, Pin: digest, At: s.At}, s.Check()
}

// Empty reports whether no source is stated.
func (s Source) Empty() bool { return s.URL+s.Debian+s.Git+s.Image == "" }

// Check reports what is wrong with the source as it is stated. One without a
// pin is not wrong yet: it can be listed, but not built.
func (s Source) Check() error {
	if err := cmp.Or(s.checkKind(), s.checkImage(), s.checkPin()); err != nil {
		return err
	}
	return errors.Join(fetchable(s.URL, "https", "http"), fetchable(s.Git, "https", "http", "ssh", "git"))
}

// checkKind refuses keys of several sorts of sources at once.
func (s Source) checkKind() error {
	switch {
	case s.addresses() > 1, s.Empty() && s.SHA256+s.Commit != "":
		return problem.Refusedf("a source needs exactly one of url, debian, git and image")
	case s.Submodules && s.Git == "":
		return problem.Refusedf("submodules are those of a git repository, and the source names none").
			Hint("remove submodules, or name the repository as git")
	}
	return nil
}

func (s Source) checkImage() error {
	switch {
	case s.Image != "" && s.SHA256+s.Commit != "":
		return problem.Refusedf("an image is pinned by its digest, not by sha256 or commit").Hint("remove sha256 and commit")
	case (s.Image == "") != (s.Path == ""):
		return problem.Refusedf("image and path are only valid together").
			Hint("image names the image, path the folder in it")
	case s.Path != "" && (path.Clean(s.Path) != s.Path || !path.IsAbs(s.Path) || s.Path == "/"):
		return problem.Refusedf("path %q is not an absolute path below the root of the image", s.Path).
			Hint("name the folder, such as /usr/local/freesurfer")
	case s.Image != "" && !digested(s.Image):
		return unfitPin(s.Image, imageForm, s.Image)
	}
	return nil
}

// checkPin refuses checksums and commits of another form.
func (s Source) checkPin() error {
	switch {
	case s.Commit != "" && !IsHex(s.Commit, 40):
		return unfitPin(s.Git, commitForm, s.Commit)
	case s.SHA256 != "" && !IsHex(s.SHA256, 64):
		return unfitPin(s.URL+s.Debian, sha256Form, s.SHA256)
	}
	return nil
}

// usable reports what keeps the source from being fetched.
func (s Source) usable(g Ground) error {
	switch {
	case s.Empty():
		return problem.Refusedf("the component has no source").Hint("add one with url, debian or git")
	case s.Image != "":
		return problem.Refusedf("source %s is an image, which this stage cannot use", s.Image).
			Hint("use url, debian or git instead")
	case s.Git != "" && s.Commit == "" && !g.AllowUnpinned:
		return unpinned("source "+s.Git, "add "+commitForm)
	case s.Git == "" && s.SHA256 == "" && !g.AllowUnpinned:
		return unpinned("source "+s.URL+s.Debian, "add "+sha256Form)
	case s.Debian != "" && g.Build.Mirror == "":
		return problem.Refusedf("source %s: the base's apt has no distribution mirror", s.Debian).
			Hint("write the full address as url")
	}
	return s.Check()
}

func (s Source) addresses() int {
	n := 0
	for _, a := range []string{s.URL, s.Debian, s.Git, s.Image} {
		if a != "" {
			n++
		}
	}
	return n
}

// ErrUnpinned is in the chain of every error about something from outside that
// nothing pins: it may be listed, but is not built from unless that is allowed.
var ErrUnpinned = errors.New("not pinned")

// unpinned says what is not pinned, such as "source https://…", and how to pin
// it.
func unpinned(what, how string) error {
	return problem.Refusedf("%s is %w", what, ErrUnpinned).
		Hint("%s, or take what is there today with --allow-unpinned", how)
}

// unfitPin refuses what stands where a pin should.
func unfitPin(address, form, have string) error {
	return problem.Refusedf("source %s: %q does not pin it", address, have).Hint("write %s", form)
}

// digested reports whether an image's digest, if it has one, is a sha256.
func digested(image string) bool {
	_, digest, ok := strings.Cut(image, "@")
	sum, sha256 := strings.CutPrefix(digest, "sha256:")
	return !ok || sha256 && IsHex(sum, 64)
}

// IsHex reports whether s is that many hexadecimal digits, in lower case.
func IsHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

// fetchable refuses an address with another scheme than those that the engine
// fetches, and one that holds a password: it would be part of the definition.
func fetchable(address string, schemes ...string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return nil // such as git@host:group/name.git
	}
	if !slices.Contains(schemes, strings.ToLower(u.Scheme)) {
		return problem.Refusedf("source %s cannot be fetched: %s is not one of %s", u.Redacted(), u.Scheme, strings.Join(schemes, ", ")).
			Hint("use an address with one of these schemes")
	}
	if _, secret := u.User.Password(); secret {
		return problem.Refusedf("source %s contains a password", u.Redacted()).
			Hint("put the login in ~/.netrc instead")
	}
	return nil
}
