package base

import (
	"encoding/json"
	"path/filepath"

	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/stages/stage"
	digest "github.com/opencontainers/go-digest"
)

// maxKept is the largest file of ours that is read, in bytes.
const maxKept = 1 << 20

// kept is the facts that earlier runs have kept of a digest.
func (b *Bases) kept(dgst string) (stage.Facts, bool) {
	var f stage.Facts
	if digest.Digest(dgst).Validate() != nil {
		return f, false
	}
	data, err := files.Read(b.file(dgst), maxKept)
	if b.cache == "" || err != nil || json.Unmarshal(data, &f) != nil {
		return f, false
	}
	return f, f.Digest == dgst
}

// keep keeps facts for later runs where that can be: on a read-only home each run
// asks anew.
func (b *Bases) keep(f stage.Facts) {
	data, err := json.Marshal(f)
	if b.cache != "" && err == nil {
		_ = files.Write(b.file(f.Digest), data)
	}
}

func (b *Bases) file(dgst string) string {
	return filepath.Join(b.cache, "bases", ProbeVersion+"-"+digest.Digest(dgst).Encoded()+".json")
}
