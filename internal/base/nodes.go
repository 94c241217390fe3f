package base

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
)

// An engine that does not run as root may not make device nodes, and BuildKit's
// unpacking of a tar fails at the first of them. No image needs them: whatever
// runs a container gives it a /dev of its own. So they never reach the engine.

// isNode reports whether an entry is a device node.
func isNode(h *tar.Header) bool { return h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock }

// nodeless is the size in bytes and the digest of a root file system's tar as it is
// served when it has device nodes; 0 for one that has none and is served as it lies
// there. What cannot be read as a tar is left to the engine.
func nodeless(path string) (int64, digest.Digest) {
	if !hasNodes(path) {
		return 0, ""
	}
	r, err := openNodeless(path)
	if err != nil {
		return 0, ""
	}
	defer r.Close()
	sum := digest.Canonical.Digester()
	size, err := io.Copy(sum.Hash(), r)
	if err != nil {
		return 0, ""
	}
	return size, sum.Digest()
}

func hasNodes(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	r, err := unpacked(f)
	if err != nil {
		return false
	}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err != nil || isNode(h) {
			return err == nil
		}
	}
}

// unpacked is the tar in a file, whichever way it is compressed: of BuildKit's
// compressions all but xz, for which it has a program.
func unpacked(f *os.File) (io.Reader, error) {
	begin, err := bufio.NewReaderSize(f, 8).Peek(4)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(begin, []byte("\x1f\x8b")):
		return gzip.NewReader(f)
	case bytes.HasPrefix(begin, []byte("\x28\xb5\x2f\xfd")):
		return zstd.NewReader(f, zstd.WithDecoderConcurrency(1)) // one has no goroutines to end
	case bytes.HasPrefix(begin, []byte("BZh")):
		return bzip2.NewReader(f), nil
	}
	return f, nil // a file that can seek: the tar's reader leaps over what it skips
}

// openNodeless is a tar without its device nodes.
func openNodeless(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := unpacked(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	out, in := io.Pipe()
	go func() {
		defer f.Close()
		_ = in.CloseWithError(withoutNodes(in, r))
	}()
	return out, nil
}

func withoutNodes(out io.Writer, in io.Reader) error {
	to, from := tar.NewWriter(out), tar.NewReader(in)
	for {
		h, err := from.Next()
		if errors.Is(err, io.EOF) {
			return to.Close()
		}
		if err != nil {
			return err
		}
		if isNode(h) || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := entry(to, h, from); err != nil {
			return err
		}
	}
}

// entry writes an entry in the format that can hold everything; what was sparse
// is whole.
func entry(to *tar.Writer, h *tar.Header, data io.Reader) error {
	if h.Format = tar.FormatPAX; h.Typeflag == tar.TypeGNUSparse {
		h.Typeflag = tar.TypeReg
	}
	if err := to.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(to, data)
	return err
}
