package stage

import (
	"errors"
	"path"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
)

// OfRelease refuses a lock of another release of FSL than its environment file
// is of: a package at another version, or, where the lock must have the whole
// release, one that is missing. Without an environment file any lock will do.
func (l CondaLock) OfRelease(lock, environment File, whole bool) error {
	if environment.Path == "" {
		return nil
	}
	all, err := wantedBy(environment)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range all {
		p, ok := l.Find(w.Name)
		switch {
		case !ok && whole:
			errs = append(errs, problem.Refusedf("%s has no package %s, which %s lists", lock.Path, w.Name, environment.Path))
		case ok && !w.fits(p):
			errs = append(errs, problem.Refusedf("%s:%d: %s is %s %s, the release has %s", lock.Path, p.Line,
				p.Name, p.Version, p.Build, strings.TrimSpace(w.Version+" "+w.Build)))
		}
	}
	return errors.Join(errs...)
}

// wanted is a package as a release's environment file names it: a name, and
// patterns of its version and build, which match all when left out.
type wanted struct{ Name, Version, Build string }

// wantedBy reads the packages of a release's environment file: the list below
// "dependencies:", one in each line, which is all that FSL's have.
func wantedBy(f File) ([]wanted, error) {
	var out []wanted
	_, list, _ := strings.Cut(string(f.Content), "\ndependencies:")
	for _, line := range strings.Split(list, "\n") {
		item, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
		words := append(strings.Fields(strings.ReplaceAll(item, "=", " ")), "", "", "")
		if ok && words[0] != "" {
			out = append(out, wanted{Name: words[0], Version: words[1], Build: words[2]})
		}
	}
	if len(out) == 0 {
		return nil, problem.Refusedf("%s lists no packages", f.Path).
			Hint("use the file that the release's own installer uses, fsl-<version>_linux-64.yml")
	}
	return out, nil
}

// fits reports whether a package of a lock is the one wanted.
func (w wanted) fits(p CondaPackage) bool {
	return like(w.Version, strings.TrimPrefix(p.Version, "v")) && like(w.Build, p.Build)
}

func like(pattern, word string) bool {
	ok, err := path.Match(strings.TrimPrefix(pattern, "v"), word)
	return pattern == "" || ok && err == nil
}
