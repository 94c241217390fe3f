package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/medbuild/medbuild/internal/files"
)

// unpacking is a folder that the image's files are unpacked into while they
// come in as a tar. BuildKit's own transfer of single files waits for ever with
// some thousands of them: the requests for files fill the window of the stream
// that also brings the contents.
type unpacking struct {
	*io.PipeWriter
	done chan error
}

// unpackInto takes a tar for the folder dir, which is made.
func unpackInto(dir string) (io.WriteCloser, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	u := unpacking{PipeWriter: w, done: make(chan error, 1)}
	go func() {
		err := unpackTar(dir, r)
		r.CloseWithError(err)
		u.done <- err
	}()
	return u, nil
}

// Close waits until everything is unpacked.
func (u unpacking) Close() error {
	_ = u.PipeWriter.Close()
	err := <-u.done
	u.done <- err // it may be closed twice
	return err
}

func unpackTar(dir string, r io.Reader) error {
	err := files.Unpack(dir, nil, r)
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("write %s: no space left on device", strings.TrimSuffix(dir, partialSuffix))
	}
	return err
}
