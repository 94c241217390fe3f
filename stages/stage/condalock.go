package stage

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// CondaLock is every package of a conda environment, in the lock's order.
type CondaLock []CondaPackage

// CondaPackage is one line of a lock.
type CondaPackage struct {
	Name, Version, Build string
	Size                 int64 // bytes of the archive
	SHA256               string
	Address              string
	Licence              string // SPDX expression; "" when the lock does not say
	Line                 int
}

const condaHint = "a line is size, sha256, address and, optionally, licence, separated by tabs"

// ReadCondaLock reads a lock: a package in each line, its size in bytes, sha256,
// address and licence with tabs between. The licence can be left out; lines
// that begin with # are comments.
func ReadCondaLock(f File) (CondaLock, error) {
	if f.Path == "" {
		return nil, problem.Refusedf("the component has no lock").
			Hint(`add lock = "locks/….conda.tsv", a file that lists the exact packages`)
	}
	text, err := f.text()
	if err != nil {
		return nil, err
	}
	var lock CondaLock
	lines := map[string]int{} // by the package's name
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		p, err := parseCondaPackage(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", f.Path, i+1, err)
		}
		if len(lock) == maxPackages {
			return nil, problem.Refusedf("%s lists more than %d packages", f.Path, maxPackages)
		}
		p.Line = i + 1
		if other, ok := lines[p.Name]; ok {
			return nil, problem.Refusedf("%s:%d: %s is already listed in line %d", f.Path, p.Line, p.Name, other)
		}
		lock, lines[p.Name] = append(lock, p), p.Line
	}
	if len(lock) == 0 {
		return nil, problem.Refusedf("%s lists no packages", f.Path).Hint(condaHint)
	}
	return lock, nil
}

func parseCondaPackage(line string) (CondaPackage, error) {
	fields := strings.Split(line, "\t")
	if len(fields) != 3 && len(fields) != 4 {
		return CondaPackage{}, problem.Refusedf("the line has %d fields, not 3 or 4", len(fields)).Hint(condaHint)
	}
	size, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || size <= 0 {
		return CondaPackage{}, problem.Refusedf("%q is not a size in bytes", fields[0]).Hint(condaHint)
	}
	if !IsHex(fields[1], 64) {
		return CondaPackage{}, problem.Refusedf("%q is not a sha256", fields[1]).Hint(condaHint)
	}
	p := CondaPackage{Size: size, SHA256: fields[1], Address: fields[2]}
	if len(fields) == 4 {
		p.Licence = fields[3]
	}
	return p, p.identify()
}

// identify reads name, version and build from the end of the address:
// linux-64/fsl-bet2-2111.9-h3f28083_0.conda.
func (p *CondaPackage) identify() error {
	u, err := url.Parse(p.Address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.ContainsFunc(p.Address, unfit) {
		return problem.Refusedf("%q is not the address of a package", p.Address).Hint(condaHint)
	}
	if subdir := path.Base(path.Dir(u.Path)); subdir != "linux-64" && subdir != "noarch" {
		return problem.Refusedf("%s is a package for %s", path.Base(u.Path), subdir).
			Hint("use packages of linux-64 and noarch")
	}
	stem, ok := strings.CutSuffix(path.Base(u.Path), ".conda")
	if !ok {
		stem, ok = strings.CutSuffix(stem, ".tar.bz2")
	}
	parts := strings.Split(stem, "-")
	n := len(parts)
	if !ok || n < 3 || slices.Contains(parts[n-2:], "") || strings.Trim(stem, "-.") != stem {
		return problem.Refusedf("%s is not a conda package", path.Base(u.Path)).
			Hint("its name is <name>-<version>-<build>.conda or .tar.bz2")
	}
	p.Name, p.Version, p.Build = strings.Join(parts[:n-2], "-"), parts[n-2], parts[n-1]
	return nil
}

// unfit reports what no address of a package has: queries, escapes and what
// shells and lists take for something else.
func unfit(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`"'#$%&()*;<>?@[\]^{|}`+"`", r)
}

// Find is the package of that name.
func (l CondaLock) Find(name string) (CondaPackage, bool) {
	i := slices.IndexFunc(l, func(p CondaPackage) bool { return p.Name == name })
	if i < 0 {
		return CondaPackage{}, false
	}
	return l[i], true
}

// Inputs is the packages as inputs of a step. Each says where it stands in the
// lock.
func (l CondaLock) Inputs(f File) []llb.Input {
	var out []llb.Input
	for _, p := range l {
		out = append(out, llb.Input{Name: p.Name, Version: p.Version, Licence: p.Licence,
			Kind: llb.Archive, Address: p.Address, Pin: "sha256:" + p.SHA256, Size: p.Size,
			At: problem.Position{File: f.Path, Line: p.Line, Col: 1}})
	}
	return out
}
