package output

import (
	"io"

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

// unpack takes a tar for the claimed folder.
func (d *Delivery) unpack(map[string]string) (io.WriteCloser, error) {
	dir, err := d.claim.Folder()
	if err != nil {
		return nil, d.note(err)
	}
	r, w := io.Pipe()
	u := unpacking{PipeWriter: w, done: make(chan error, 1)}
	go func() {
		defer dir.Close()
		err := d.note(files.UnpackIn(dir, r))
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
