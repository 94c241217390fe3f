package llb

import (
	"path"

	bk "github.com/moby/buildkit/client/llb"
)

// The site's settings, as steps find them. Each is an optional secret file: it
// is declared in every networked step whether the site has it or not, so that
// an image's cache keys and bytes are the same on every site. A secret
// *environment variable* would not do: an absent one is set to the empty
// string, which leaves Python's ssl without any CA.
const (
	SiteEnv  = Run + "/env"      // shell: exports of proxies, indexes, CA paths, MEDBUILD_JOBS
	SiteCA   = Run + "/ca.crt"   // the site's CA bundle, PEM
	SitePip  = Run + "/pip.conf" // pip's configuration file
	SiteUV   = Run + "/uv.toml"  // uv's configuration file
	SiteApt  = Run + "/apt.conf" // apt's configuration file
	SiteJobs = Run + "/jobs"     // shell: export of MEDBUILD_JOBS alone, for steps without the network
)

// SiteID is the id of the secret behind one of the site's files.
func SiteID(file string) string { return "site-" + path.Base(file) }

// SiteFiles lists the files of a step with the network, as paths in it. Addresses
// of indexes and proxies can hold passwords: other steps have no use for them.
func SiteFiles() []string { return []string{SiteEnv, SiteCA, SitePip, SiteUV, SiteApt} }

func siteFiles() []bk.RunOption {
	var opts []bk.RunOption
	for _, f := range SiteFiles() {
		opts = append(opts, siteFile(f))
	}
	return opts
}

func siteFile(f string) bk.RunOption {
	return bk.AddSecret(f, bk.SecretID(SiteID(f)), bk.SecretOptional)
}
