package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 2048)), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(path, 2048); err != nil || len(data) != 2048 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := Read(path, 2047); err == nil || !strings.Contains(err.Error(), "file is larger than 1 KiB") {
		t.Errorf("2048 bytes are no more than 2047: %v", err)
	}
	if _, err := Read(path+"x", 1); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}
