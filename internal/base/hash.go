package base

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/files"

	digest "github.com/opencontainers/go-digest"
)

// fileDigest is the sha256 of a file. Hashing a base of some hundred megabytes
// takes longer than a build in which nothing changed, so the digest is kept
// with the file's size and time, and taken again when one differs.
func fileDigest(path, cache string) (digest.Digest, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache, "digests", digest.FromString(path).Encoded()+".json")
	id := identity(info)
	if d, ok := keptDigest(kept, id); cache != "" && ok {
		return d, nil
	}
	d, err := hash(path)
	if err != nil || cache == "" {
		return d, err
	}
	data, err := json.Marshal(map[string]string{id: d.String()})
	if err != nil {
		return "", err
	}
	return d, files.Write(kept, data)
}

func keptDigest(file, id string) (digest.Digest, bool) {
	data, err := files.Read(file, maxKept)
	if err != nil {
		return "", false
	}
	var known map[string]digest.Digest
	if json.Unmarshal(data, &known) != nil {
		return "", false
	}
	d := known[id]
	return d, d.Validate() == nil
}

func hash(path string) (digest.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	d, err := digest.FromReader(f)
	if err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return d, nil
}

func identity(info os.FileInfo) string {
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}
