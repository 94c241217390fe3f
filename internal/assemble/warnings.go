package assemble

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// Warnings is what may go wrong with the image although it can be built, a line
// for each with the place and the component: what is left out or lacking, inputs
// that nothing pins, archives at an address where others follow, programs made for
// a newer distribution than the base's, and programs that others hide on PATH, as
// far as the settings tell.
func (i Image) Warnings() []string {
	out := []string{}
	for _, p := range i.Parts {
		if p.Fetches != "" {
			out = append(out, fmt.Sprintf("%s: %s: its installer also fetches %s, which are not pinned", p.At, p.Name, p.Fetches))
		}
		if p.Lacks != "" {
			out = append(out, fmt.Sprintf("%s: %s is without %s", p.At, p.Name, p.Lacks))
		}
		for _, c := range p.Called {
			if !i.has(c.Stage) {
				out = append(out, fmt.Sprintf("%s: %s: %s calls %s of %s, which the image lacks", p.At, p.Name, c.By, strings.Join(c.Programs, ", "), c.Stage))
			}
		}
		for _, in := range p.Inputs {
			for _, text := range []string{loose(in), moving(in), ahead(in, i.Base.Facts)} {
				if text != "" {
					out = append(out, fmt.Sprintf("%s: %s: %s", p.place(in), p.Name, text))
				}
			}
		}
	}
	return append(out, i.stated()...)
}

// has reports whether a component of the image is of the stage.
func (i Image) has(kind string) bool {
	return slices.ContainsFunc(i.Parts, func(p Part) bool { return p.Common.Stage == kind })
}

// place is where the user wrote an input, or else the component.
func (p Part) place(in llb.Input) problem.Position {
	if in.At.Line > 0 {
		return in.At
	}
	return p.At
}

// loose is an input that is taken although nothing pins it.
func loose(in llb.Input) string {
	if in.Pinned() {
		return ""
	}
	return in.Address + " is not pinned: its content may change at any time"
}

// movingNames are parts of an address whose content is replaced from time to time.
var movingNames = regexp.MustCompile(`(?i)(?:^|[/._-])(nightly|latest|snapshot|refs/heads|master|HEAD)(?:[/._-]|$)`)

// moving is an archive that is pinned, but at an address where others follow.
func moving(in llb.Input) string {
	u, err := url.Parse(in.Address)
	if err != nil || in.Kind != llb.Archive || !in.Pinned() {
		return ""
	}
	m := movingNames.FindStringSubmatch(u.Path)
	if m == nil {
		return ""
	}
	return fmt.Sprintf("%s is replaced whenever upstream publishes again (%s), and then no longer matches the checksum: use the address of a release", in.Address, m[1])
}

// releaseNames are the distribution releases that archives of programs are named after.
var releaseNames = regexp.MustCompile(`(?i)(centos|almalinux|rocky|ubuntu|debian)[-_.]?([0-9]{1,2})`)

// ahead is an archive made for a distribution with a newer C library than the
// base's. It may work all the same: what its programs use of it counts, and
// their smoke tests tell.
func ahead(in llb.Input, base stage.Facts) string {
	m := releaseNames.FindStringSubmatch(in.File())
	if m == nil || in.Kind != llb.Archive {
		return ""
	}
	libc := stage.LibcOf(m[1], m[2])
	if !stage.Newer(libc, base.Libc) {
		return ""
	}
	return fmt.Sprintf("%s was made for %s, whose C library %s is newer than %s of %s: its programs may not start; use an archive made for an older release",
		in.File(), m[0], libc, base.Libc, base.ID())
}
