package stages

import (
	"errors"
	"fmt"
	"strings"

	"github.com/medbuild/medbuild/llb"
)

// Source is where a component comes from: an archive (url or debian, with its
// sha256) or a git repository (with its commit).
type Source struct {
	At     llb.Position `toml:"-"`
	URL    string       `toml:"url" doc:"address of an archive"`
	Debian string       `toml:"debian" doc:"path of a file on the mirror that the base's apt uses, such as pool/main/m/mrtrix3/mrtrix3_3.0.4.orig.tar.gz"`
	SHA256 string       `toml:"sha256" doc:"sha256 of the archive, 64 hexadecimal digits"`
	Git    string       `toml:"git" doc:"address of a git repository"`
	Commit string       `toml:"commit" doc:"commit of the git repository, 40 hexadecimal digits"`
}

// Input is the source as an input of a step. mirror is the address of the
// distribution's mirror, with a slash at its end.
func (s Source) Input(mirror string) (llb.Input, error) {
	if err := s.usable(mirror); err != nil {
		return llb.Input{}, err
	}
	if s.Git != "" {
		return llb.Input{Kind: llb.Git, Address: s.Git, Pin: s.Commit, At: s.At}, nil
	}
	address := s.URL
	if s.Debian != "" {
		address = mirror + s.Debian
	}
	return llb.Input{Kind: llb.Archive, Address: address, Pin: "sha256:" + s.SHA256, At: s.At}, nil
}

// Empty reports whether no source is stated.
func (s Source) Empty() bool { return s.URL+s.Debian+s.Git == "" }

// Check reports what is wrong with the source as it is stated. One without a
// pin is not wrong yet: it can be listed, but not built.
func (s Source) Check() error {
	switch {
	case s.addresses() > 1, s.Empty() && s.SHA256+s.Commit != "":
		return errors.New("a source has one of url, debian and git")
	case s.Commit != "" && !hex(s.Commit, 40):
		return unpinned(s.Git, "commit = \"<40 hexadecimal digits>\"", s.Commit)
	case s.SHA256 != "" && !hex(s.SHA256, 64):
		return unpinned(s.URL+s.Debian, "sha256 = \"<64 hexadecimal digits>\"", s.SHA256)
	}
	return nil
}

// usable reports what keeps the source from being fetched.
func (s Source) usable(mirror string) error {
	switch {
	case s.Empty():
		return errors.New("there is no source\nhint: name one of url, debian and git")
	case s.Git != "" && s.Commit == "":
		return unpinned(s.Git, "commit = \"<40 hexadecimal digits>\"", "")
	case s.Git == "" && s.SHA256 == "":
		return unpinned(s.URL+s.Debian, "sha256 = \"<64 hexadecimal digits>\"", "")
	case s.Debian != "" && mirror == "":
		return fmt.Errorf("source %s: the base names no distribution mirror\nhint: write its address as url", s.Debian)
	}
	return s.Check()
}

func (s Source) addresses() int {
	n := 0
	for _, a := range []string{s.URL, s.Debian, s.Git} {
		if a != "" {
			n++
		}
	}
	return n
}

func unpinned(address, form, have string) error {
	if have == "" {
		return fmt.Errorf("source %s is not pinned\nhint: add %s", address, form)
	}
	return fmt.Errorf("source %s: %q does not pin it\nhint: write %s", address, have, form)
}

func hex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}
