package base

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/problem"
	digest "github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// An engine keeps a served folder by a key that has the tar's digest, and has what
// differs in size, time or mode sent again (BuildKit, source/local; fsutil,
// sameFile). One digest is one content, so time and mode are the same for all: a
// tar that was copied, or touched, or lies on another machine, is not sent again.
// It must be certain then that nothing else is ever sent by that key.

// servedMode is the mode of every tar as it is served.
const servedMode = 0o644

// tarFolder is the folder of a tar as it is served.
type tarFolder struct {
	fsutil.FS
	contents
	file, path string // of the tar: in the folder, on this machine
}

// folder is what is served of a tar: the folder that it lies in, in which its size
// is the one without device nodes.
func (c contents) folder(path string) (fsutil.FS, error) {
	dir, err := fsutil.NewFS(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	file := filepath.Base(path)
	same, err := fsutil.NewFilterFS(dir, &fsutil.FilterOpt{Map: func(name string, s *fstypes.Stat) fsutil.MapResult {
		if name == file {
			s.ModTime, s.Mode, s.Xattrs = 0, servedMode, nil
		}
		if name == file && c.Nodeless > 0 {
			s.Size = c.Nodeless
		}
		return fsutil.MapResultKeep
	}})
	return tarFolder{same, c, file, path}, err
}

// Open is a file of the folder. The tar ends in an error when it is not the one that
// was read before.
func (f tarFolder) Open(name string) (io.ReadCloser, error) {
	switch {
	case name != f.file:
		return f.FS.Open(name)
	case f.Nodeless > 0:
		r, err := openNodeless(f.path)
		return check(r, err, f.Served, f.path)
	}
	r, err := os.Open(f.path)
	return check(r, err, f.Digest, f.path)
}

// checked is a file that ends in an error unless it has the digest that it is to have.
type checked struct {
	io.ReadCloser
	sum  digest.Verifier
	path string
}

func check(r io.ReadCloser, err error, want digest.Digest, path string) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	return checked{r, want.Verifier(), path}, nil
}

// Read reads on.
func (c checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	_, _ = c.sum.Write(p[:n]) // to a hash: it cannot fail
	if errors.Is(err, io.EOF) && !c.sum.Verified() {
		return n, problem.Failedf("%s was changed while it was sent to the engine", c.path).Hint("build again")
	}
	return n, err
}
