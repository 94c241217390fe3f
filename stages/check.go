package stages

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// check refuses a stage that would spoil its image: a prefix where the base has
// something else, and programs that would not start there.
func (g Ground) check(s Stage) error {
	if s.Layer == nil {
		return nil
	}
	for _, place := range s.places() {
		if err := errors.Join(own(place), g.Run.On(place)); err != nil {
			return err
		}
	}
	if newer(g.Build.Libc, g.Run.Libc) {
		return fmt.Errorf("its layer is made on base %s, whose C library %s is newer than %s of base %s: its programs would not start\nhint: make it on the base with the oldest C library",
			g.Build.Name, g.Build.Libc, g.Run.Libc, g.Run.Name)
	}
	return nil
}

// own refuses a prefix that cannot be a component's own folder: the base's
// folders, where a layer would lie over files of its packages, and those that
// something else is mounted at when an image runs.
func own(prefix string) error {
	system := []string{"/", "/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/sbin",
		"/usr", "/usr/bin", "/usr/lib", "/usr/sbin", "/usr/share", "/var"}
	if slices.Contains(system, prefix) {
		return fmt.Errorf("prefix %s is the base's own folder\nhint: choose a folder of its own, such as /opt/<name>", prefix)
	}
	for _, dir := range []string{"/dev", "/proc", "/run", "/sys", "/tmp"} {
		if within(prefix, dir) {
			return fmt.Errorf("prefix %s lies in %s, which is another folder when an image runs\nhint: choose a folder below /opt", prefix, dir)
		}
	}
	return nil
}

// within reports whether a path is the folder dir or lies in it.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// check finds layers in each other's way. A layer is all that lies at its
// prefix, so two of them write the same files where the prefixes meet.
func (i Image) check() []error {
	var errs []error
	for n, p := range i.Parts {
		for _, other := range i.Parts[:n] {
			if err := apart(other.Stage, p.Stage); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", p.At, err))
			}
		}
		for _, place := range p.places() {
			if within(ManifestPath, place) || within(NoticesPath, place) {
				errs = append(errs, fmt.Errorf("%s: %s: its prefix %s is where the version manifest and the notices lie\nhint: choose a folder below /opt", p.At, p.Name, place))
			}
		}
	}
	return errs
}

// apart is Apart for each of the places that two layers hold; some are files
// beside the prefix.
func apart(a, b Stage) error {
	for _, one := range a.places() {
		for _, other := range b.places() {
			switch {
			case one == a.Prefix && other == b.Prefix:
				if err := Apart(a.Common, b.Common); err != nil {
					return err
				}
			case within(one, other), within(other, one):
				return fmt.Errorf("%s and %s both write %s\nhint: leave it to one of them, or give one another place", a.Name, b.Name, max(one, other))
			}
		}
	}
	return nil
}

// Apart refuses two components of one image whose prefixes are the same or lie
// in each other: their layers would write the same files. A component without a
// prefix is in nobody's way.
func Apart(a, b Common) error {
	if a.Prefix == b.Prefix && a.Prefix != "" {
		return fmt.Errorf("%s and %s have the same prefix %s\nhint: give one of them another prefix", a.Name, b.Name, a.Prefix)
	}
	if len(a.Prefix) < len(b.Prefix) {
		a, b = b, a // then a can lie in b
	}
	if b.Prefix == "" || !within(a.Prefix, b.Prefix) {
		return nil
	}
	return fmt.Errorf("the prefix %s of %s lies inside %s, the prefix of %s\nhint: give one of them a prefix beside the other's", a.Prefix, a.Name, b.Prefix, b.Name)
}

// newer compares two versions of the C library. One that is not known is
// neither newer nor older.
func newer(a, b string) bool {
	major, minor, ok := twoNumbers(a)
	_, _, known := twoNumbers(b)
	return ok && known && !atLeast(b, major, minor)
}

func twoNumbers(version string) (major, minor int, ok bool) {
	head, rest, _ := strings.Cut(version, ".")
	tail, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(head)
	minor, err2 := strconv.Atoi(tail)
	return major, minor, err1 == nil && err2 == nil
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
