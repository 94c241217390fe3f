package kit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Kept is the path of something that is made once and kept for later runs, in
// out/test. Packages that test side by side wait for the one that makes it.
// produce writes to the path it is given, which is another one until it is done.
func Kept(name string, produce func(partial string) error) (string, error) {
	path := Path("out/test/" + name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Dir(path) + "/.lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	partial := path + ".partial"
	if err := errors.Join(os.RemoveAll(partial), produce(partial)); err != nil {
		return "", fmt.Errorf("make %s: %w", path, errors.Join(err, os.RemoveAll(partial)))
	}
	return path, os.Rename(partial, path)
}
