package assemble

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// NoticesPath is where the licences of an image's components are told, in every
// image.
const NoticesPath = "/THIRD_PARTY_NOTICES"

// NonCommercial is the names of the parts that may be used for non-commercial
// purposes only, sorted.
func NonCommercial(parts []Part) []string {
	var names []string
	for _, p := range parts {
		if p.Licence.NonCommercial {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

// notices is the text at NoticesPath.
func notices(parts []Part) string {
	var b strings.Builder
	fmt.Fprint(&b, "# Third-party notices\n\nThis image holds the software below. Each part is under a licence of its own.\n"+
		"The packages of the distribution have theirs in /usr/share/doc.\n")
	if names := NonCommercial(parts); len(names) > 0 {
		fmt.Fprintf(&b, "\n# For non-commercial use only\n\n%s\n", strings.Join(names, "\n"))
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "\n# %s\n\n", p.Name)
		for _, line := range p.notice() {
			fmt.Fprintln(&b, line)
		}
	}
	return b.String()
}

// notice is what is told of one part. A source shows as it was stated: a mirror
// that a site takes it from is the site's own matter.
func (p Part) notice() []string {
	lines := []string{
		"Version: " + cmp.Or(p.Version, "not stated"),
		"Licence: " + cmp.Or(p.Licence.SPDX, "not known"),
	}
	if p.Licence.NonCommercial {
		lines = append(lines, "Use: non-commercial only")
	}
	if p.Layer != nil {
		lines = append(lines, "Place: "+p.Prefix)
	} else if len(p.Runtime) > 0 {
		lines = append(lines, "Packages: "+strings.Join(p.Runtime, " "))
	}
	for _, in := range p.Inputs {
		lines = append(lines, strings.TrimRight("Source: "+anonymous(in.Address)+" "+in.Pin, " "))
	}
	return lines
}

// anonymous is an address without a name and password.
func anonymous(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil || u.Host == "" {
		return address
	}
	u.User = nil
	return u.String()
}
