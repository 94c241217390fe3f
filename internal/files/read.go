package files

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrLarger is that of a file which is too large.
var ErrLarger = errors.New("is larger")

// Read is the content of a file, which may be a pipe. One of more than limit bytes
// is ErrLarger: some never end.
func Read(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(data) > limit {
		return nil, fmt.Errorf("%s %w than %d KiB", path, ErrLarger, limit>>10)
	}
	return data, err
}
