package assemble

import (
	"errors"
	"regexp"
	"slices"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"
)

// fits refuses a stage that would spoil its image: a prefix where the base has
// something else, and programs that would not start there.
func fits(g stage.Ground, s stage.Stage) error {
	if s.Prefix != "" {
		if err := own(s.Prefix); err != nil {
			return err
		}
	}
	if s.Layer == nil {
		return nil
	}
	for _, place := range s.Holds() {
		if err := errors.Join(own(place), g.Run.On(place)); err != nil {
			return err
		}
	}
	if stage.Newer(g.Build.Libc, g.Run.Libc) {
		return problem.Refusedf("its layer is made on base %s, whose C library %s is newer than %s of base %s: its programs would not start",
			g.Build.Name, g.Build.Libc, g.Run.Libc, g.Run.Name).
			Hint("make it on the base with the oldest C library")
	}
	return nil
}

// prefixForm is a path that stands for itself in shells, which commands of the
// user's have it in as {prefix}.
var prefixForm = regexp.MustCompile(`^/[A-Za-z0-9_./+:@=~-]*$`)

// systemFolders are folders that many packages write to, by the Filesystem
// Hierarchy Standard 3.0 and as Debian has them on x86-64. What lies below one can
// be a component's own.
var systemFolders = []string{"/", "/bin", "/boot", "/etc", "/etc/profile.d", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt",
	"/root", "/sbin", "/srv", "/usr", "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/libexec",
	"/usr/local", "/usr/local/bin", "/usr/local/etc", "/usr/local/include", "/usr/local/lib", "/usr/local/sbin", "/usr/local/share",
	"/usr/sbin", "/usr/share", "/usr/src", "/var", "/var/cache", "/var/lib", "/var/log", "/var/spool"}

// packageDatabase is dpkg's: nothing of it is anybody else's.
const packageDatabase = "/var/lib/dpkg"

// own refuses a prefix that cannot be a component's own folder: the base's
// folders, where a layer would lie over files of its packages, and those that
// something else is mounted at when an image runs.
func own(prefix string) error {
	if !prefixForm.MatchString(prefix) {
		return problem.Refusedf("prefix %q is not an absolute path of letters, digits and _ . + : @ = ~ -", prefix).
			Hint("programs of a component often cannot do with other paths: choose a folder such as /opt/<name>")
	}
	if slices.Contains(systemFolders, prefix) || stage.Within(prefix, packageDatabase) {
		return problem.Refusedf("prefix %s is a folder of the base system", prefix).Hint("choose a folder of its own, such as /opt/<name>")
	}
	for _, dir := range []string{"/dev", "/proc", "/run", "/sys", "/tmp"} {
		if stage.Within(prefix, dir) {
			return problem.Refusedf("prefix %s lies in %s, where something else is mounted when an image runs", prefix, dir).Hint("choose a folder below /opt")
		}
	}
	return nil
}

// check finds layers in each other's way. A layer is all that lies at its
// prefix, so two of them write the same files where the prefixes meet.
func (i Image) check() []error {
	var errs []error
	var before places
	for n, p := range i.Parts {
		if other, meets := before.meets(p.Stage); meets {
			errs = append(errs, problem.At(p.At, "", apart(i.Parts[other].Stage, p.Stage)))
		}
		before.add(p.Stage, n)
		for _, place := range p.Holds() {
			if stage.Within(ManifestPath, place) || stage.Within(NoticesPath, place) {
				errs = append(errs, problem.At(p.At, p.Name, problem.Refusedf("its prefix %s would overwrite the version manifest or the notices", place).
					Hint("choose a folder below /opt")))
			}
		}
	}
	return errs
}

// apart is Apart for each of the places that two layers hold; some are files
// beside the prefix.
func apart(a, b stage.Stage) error {
	for _, one := range a.Holds() {
		for _, other := range b.Holds() {
			switch {
			case one == a.Prefix && other == b.Prefix:
				if err := stage.Apart(a.Common, b.Common); err != nil {
					return err
				}
			case stage.Within(one, other), stage.Within(other, one):
				return problem.Refusedf("%s and %s both write %s", a.Name, b.Name, max(one, other)).
					Hint("let only one of them write it, or give one another path")
			}
		}
	}
	return nil
}

// places is what the parts of an image write so far, by their numbers.
type places struct{ stage.Places }

// meets is the first part that writes where s does.
func (p *places) meets(s stage.Stage) (number int, found bool) {
	for _, place := range s.Holds() {
		if n, ok := p.Meets(place); ok && (!found || n < number) {
			number, found = n, true
		}
	}
	return number, found
}

func (p *places) add(s stage.Stage, number int) {
	for _, place := range s.Holds() {
		p.Add(place, number)
	}
}
