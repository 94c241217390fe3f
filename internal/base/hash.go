package base

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/files"

	digest "github.com/opencontainers/go-digest"
)

// contents is what must be read of a tar.
type contents struct {
	Digest   digest.Digest
	Nodeless int64         // bytes without device nodes; 0 where it has none
	Served   digest.Digest // without device nodes; "" where it has none
}

// contentOf reads a tar. Hashing a base of some hundred megabytes takes longer
// than a build in which nothing changed, so what was read is kept with the
// file's size and time, and read again when one differs.
func contentOf(path, cache string) (contents, error) {
	info, err := os.Stat(path)
	if err != nil {
		return contents{}, err
	}
	kept := filepath.Join(cache, "tars", digest.FromString(path).Encoded()+".json")
	id := identity(info)
	if c, ok := keptContent(kept, id); cache != "" && ok {
		return c, nil
	}
	c, err := read(path)
	if err != nil || cache == "" {
		return c, err
	}
	data, err := json.Marshal(map[string]contents{id: c})
	if err != nil {
		return contents{}, err
	}
	_ = files.Write(kept, data) // on a read-only home it is read again each time
	return c, nil
}

func keptContent(file, id string) (contents, bool) {
	data, err := files.Read(file, maxKept)
	if err != nil {
		return contents{}, false
	}
	var known map[string]contents
	if json.Unmarshal(data, &known) != nil {
		return contents{}, false
	}
	c := known[id]
	return c, c.Digest.Validate() == nil && (c.Nodeless == 0 || c.Served.Validate() == nil)
}

func read(path string) (contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return contents{}, err
	}
	defer f.Close()
	d, err := digest.FromReader(f)
	if err != nil {
		return contents{}, fmt.Errorf("hash %s: %w", path, err)
	}
	size, served := nodeless(path)
	return contents{d, size, served}, nil
}

func identity(info os.FileInfo) string {
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}
