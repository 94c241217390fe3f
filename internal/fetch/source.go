package fetch

import (
	"net/url"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/gitutil"
)

// Send gives a source another address. What stands in the identifier beside the
// address stays.
func Send(s *pb.SourceOp, to string) {
	switch {
	case IsGit(s):
		sendGit(s, to)
	case strings.HasPrefix(s.Identifier, "docker-image://"):
		s.Identifier = "docker-image://" + to
	default:
		s.Identifier = to
	}
}

// sendGit writes the address as llb.Git does: in the identifier without scheme,
// and whole beside it. What is for ssh alone goes.
func sendGit(s *pb.SourceOp, to string) {
	_, fragment, has := strings.Cut(s.Identifier, "#")
	id := to
	if u, err := gitutil.ParseURL(to); err == nil {
		id = u.Host + path.Join("/", u.Path)
	}
	if has {
		id += "#" + fragment
	}
	s.Identifier = "git://" + id
	s.Attrs[pb.AttrFullRemoteURL] = to
	delete(s.Attrs, pb.AttrKnownSSHHosts)
	delete(s.Attrs, pb.AttrMountSSHSock)
}

// Host is the host of an address, with its port if it has one; "" for what has
// none.
func Host(address string) string {
	if u, err := gitutil.ParseURL(address); err == nil {
		return u.Host
	}
	return ""
}

// Question is the URL at which the server of an address can be asked how it is; ""
// for an address that is not spoken to by HTTP.
func Question(address string, repository bool) string {
	u, err := url.Parse(address)
	switch {
	case err == nil && (u.Scheme == "http" || u.Scheme == "https"):
		if repository {
			return strings.TrimSuffix(address, "/") + "/info/refs?service=git-upload-pack"
		}
		return address
	case repository:
		return ""
	}
	return registry(address)
}

// registry is the URL of an image's manifest.
func registry(image string) string {
	ref, err := name.ParseReference(image)
	if err != nil {
		return ""
	}
	repository := ref.Context()
	return repository.Scheme() + "://" + repository.RegistryStr() + "/v2/" + repository.RepositoryStr() + "/manifests/" + ref.Identifier()
}

// Alone has the commit of a repository fetched without its history, and reports
// whether the source is one that can be: a repository at a commit. It changes no
// cache key (source/git of BuildKit: a commit is its own key).
func Alone(s *pb.SourceOp) bool {
	_, commit, _ := strings.Cut(s.GetIdentifier(), "#")
	if !IsGit(s) || !gitutil.IsCommitSHA(commit) || s.Attrs[pb.AttrGitChecksum] != commit {
		return false
	}
	s.Attrs[pb.AttrGitFetchByCommit] = "true"
	return true
}

// IsGit reports whether a source is a repository.
func IsGit(s *pb.SourceOp) bool { return strings.HasPrefix(s.GetIdentifier(), "git://") }

// IsAlone reports whether Alone was done.
func IsAlone(s *pb.SourceOp) bool { return s.GetAttrs()[pb.AttrGitFetchByCommit] == "true" }

// Address is what a source fetches, for people and for mirrors: a URL, an
// image's reference; "" for what comes from this machine.
func Address(s *pb.SourceOp) string {
	if url := s.GetAttrs()[pb.AttrFullRemoteURL]; url != "" {
		return url
	}
	id := s.GetIdentifier()
	for _, scheme := range []string{"oci-layout://", "local://"} {
		if strings.HasPrefix(id, scheme) {
			return ""
		}
	}
	if repository, ok := strings.CutPrefix(id, "git://"); ok {
		repository, _, _ = strings.Cut(repository, "#")
		return repository
	}
	return strings.TrimPrefix(id, "docker-image://")
}
