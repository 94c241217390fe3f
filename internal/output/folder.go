package output

import (
	"errors"
	"io"
	"os"

	"github.com/medbuild/medbuild/internal/files"
)

// piped is a writer whose other end somebody reads at the same time.
type piped struct {
	*io.PipeWriter
	done chan error
}

// pipe gives what is written to take, whose error the delivery keeps, but for that
// of an archive that ends too early: then the engine knows better why.
func (d *Delivery) pipe(take func(io.Reader) error) io.WriteCloser {
	r, w := io.Pipe()
	p := piped{PipeWriter: w, done: make(chan error, 1)}
	go func() {
		err := take(r)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			_ = d.note(err)
		}
		r.CloseWithError(err)
		p.done <- err
	}()
	return p
}

// Close waits until everything is taken.
func (p piped) Close() error {
	_ = p.PipeWriter.Close()
	err := <-p.done
	p.done <- err // it may be closed twice
	return err
}

// unpack takes a tar for the claimed folder. BuildKit's own transfer of single
// files waits for ever with some thousands of them: the requests for files fill
// the window of the stream that also brings the contents.
func (d *Delivery) unpack(map[string]string) (io.WriteCloser, error) {
	dir, err := d.claim.Folder()
	if err != nil {
		return nil, d.note(err)
	}
	return d.pipe(func(r io.Reader) error {
		defer dir.Close()
		return files.UnpackIn(dir, r)
	}), nil
}

// file begins the claimed file, again when an export is tried again.
func (d *Delivery) file(map[string]string) (io.WriteCloser, error) {
	f := d.claim.File()
	_, err := f.Seek(0, io.SeekStart)
	return d.archive(noting{f, d}), d.note(errors.Join(f.Truncate(0), err))
}

// stdout is standard output, which stays open.
func (d *Delivery) stdout(map[string]string) (io.WriteCloser, error) {
	return d.archive(noting{os.Stdout, d}), nil
}

// noting is a writer whose errors the delivery keeps.
type noting struct {
	io.Writer
	of *Delivery
}

// Write takes note of what goes wrong.
func (n noting) Write(p []byte) (int, error) {
	written, err := n.Writer.Write(p)
	return written, n.of.note(err)
}

// Close leaves the file open: exporters close it also when they fail.
func (noting) Close() error { return nil }
