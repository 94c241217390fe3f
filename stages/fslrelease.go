package stages

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

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
		return nil, fmt.Errorf("%s names no packages\nhint: take the file that the release's installer takes, fsl-<version>_linux-64.yml", f.Path)
	}
	return out, nil
}

// fits reports whether a package of a lock is the one wanted.
func (w wanted) fits(p condaPackage) bool {
	return like(w.Version, strings.TrimPrefix(p.Version, "v")) && like(w.Build, p.Build)
}

func like(pattern, word string) bool {
	ok, err := path.Match(strings.TrimPrefix(pattern, "v"), word)
	return pattern == "" || ok && err == nil
}

// ofRelease refuses a lock of another release than the environment file's: a
// package at another version, or, in the profile full, one that is missing.
func (f *FSL) ofRelease(lock condaLock) error {
	if f.Environment.Path == "" {
		return nil
	}
	all, err := wantedBy(f.Environment)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range all {
		p, ok := lock.find(w.Name)
		switch {
		case !ok && f.Profile == "full":
			errs = append(errs, fmt.Errorf("%s has no package %s, which %s names", f.Lock.Path, w.Name, f.Environment.Path))
		case ok && !w.fits(p):
			errs = append(errs, fmt.Errorf("%s:%d: %s is %s %s, the release has %s", f.Lock.Path, p.Line, p.Name, p.Version, p.Build, strings.TrimSpace(w.Version+" "+w.Build)))
		}
	}
	return errors.Join(errs...)
}
