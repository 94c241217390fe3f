package stage

import (
	"errors"
	"fmt"
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
	Image  string           `toml:"image" doc:"an image by name and digest, name@sha256:…, for stages that copy from one"`
	Path   string           `toml:"path" doc:"the folder in the image, absolute"`
}

// Input is the source as an input of a step on g.Build, whose mirror serves what
// is stated as a path of the distribution's. One without a pin is refused unless
// g allows it.
func (s Source) Input(g Ground) (llb.Input, error) {
	if err := s.usable(g); err != nil {
		return llb.Input{}, err
	}
	if s.Git != "" {
		return llb.Input{Kind: llb.Git, Address: s.Git, Pin: s.Commit, At: s.At}, nil
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
		return llb.Input{}, unpinned(name, "the digest: image = \""+name+"@sha256:<64 hexadecimal digits>\"", "")
	}
	return llb.Input{Kind: llb.Files, Address: s.Image, Pin: digest, At: s.At}, s.Check()
}

// Empty reports whether no source is stated.
func (s Source) Empty() bool { return s.URL+s.Debian+s.Git+s.Image == "" }

// Check reports what is wrong with the source as it is stated. One without a
// pin is not wrong yet: it can be listed, but not built.
func (s Source) Check() error {
	switch {
	case s.addresses() > 1, s.Empty() && s.SHA256+s.Commit != "":
		return errors.New("a source has one of url, debian, git and image")
	case s.Image != "" && s.SHA256+s.Commit != "":
		return errors.New("the source is an image, which its digest pins\nhint: leave out sha256 and commit")
	case (s.Image == "") != (s.Path == ""):
		return errors.New("the source has only one of image and path\nhint: image names the image, path the folder in it")
	case s.Path != "" && (path.Clean(s.Path) != s.Path || !path.IsAbs(s.Path) || s.Path == "/"):
		return fmt.Errorf("path %q is no folder in the image\nhint: write an absolute path, such as /usr/local/freesurfer", s.Path)
	case s.Image != "" && !digested(s.Image):
		return unpinned(s.Image, "image = \"<name>@sha256:<64 hexadecimal digits>\"", s.Image)
	case s.Commit != "" && !IsHex(s.Commit, 40):
		return unpinned(s.Git, "commit = \"<40 hexadecimal digits>\"", s.Commit)
	case s.SHA256 != "" && !IsHex(s.SHA256, 64):
		return unpinned(s.URL+s.Debian, "sha256 = \"<64 hexadecimal digits>\"", s.SHA256)
	}
	return errors.Join(fetchable(s.URL, "https", "http"), fetchable(s.Git, "https", "http", "ssh", "git"))
}

// usable reports what keeps the source from being fetched.
func (s Source) usable(g Ground) error {
	switch {
	case s.Empty():
		return errors.New("there is no source\nhint: name one of url, debian and git")
	case s.Image != "":
		return fmt.Errorf("source %s is an image, which this stage does not copy from\nhint: name one of url, debian and git", s.Image)
	case s.Git != "" && s.Commit == "" && !g.AllowUnpinned:
		return unpinned(s.Git, "commit = \"<40 hexadecimal digits>\"", "")
	case s.Git == "" && s.SHA256 == "" && !g.AllowUnpinned:
		return unpinned(s.URL+s.Debian, "sha256 = \"<64 hexadecimal digits>\"", "")
	case s.Debian != "" && g.Build.Mirror == "":
		return fmt.Errorf("source %s: the base names no distribution mirror\nhint: write its address as url", s.Debian)
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

// UnpinnedError is something from outside that nothing pins: it may be listed,
// but is not built from unless that is allowed.
type UnpinnedError struct {
	What string // such as "source https://…"
	Hint string // how to pin it
}

// Error says what is not pinned and how to pin it.
func (e *UnpinnedError) Error() string {
	return fmt.Sprintf("%s is not pinned\nhint: %s, or take what is there today with --allow-unpinned", e.What, e.Hint)
}

func unpinned(address, form, have string) error {
	if have == "" {
		return &UnpinnedError{What: "source " + address, Hint: "add " + form}
	}
	return fmt.Errorf("source %s: %q does not pin it\nhint: write %s", address, have, form)
}

// digested reports whether an image's digest, if it has one, is a sha256.
func digested(image string) bool {
	_, digest, ok := strings.Cut(image, "@")
	sum, sha256 := strings.CutPrefix(digest, "sha256:")
	return !ok || sha256 && IsHex(sum, 64)
}

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
		return fmt.Errorf("source %s cannot be fetched: %s is none of %s\nhint: name a copy at such an address", u.Redacted(), u.Scheme, strings.Join(schemes, ", "))
	}
	if _, secret := u.User.Password(); secret {
		return fmt.Errorf("source %s has a password in it\nhint: write the login into ~/.netrc instead", u.Redacted())
	}
	return nil
}
